"""Rules: data that says which calls raise an alert, looked for in the facts of a call.

Knows no queue and loads no model: the API reads, tries and stores rules through it.
"""

from workers.rules.definition import RuleError as RuleError
from workers.rules.definition import RuleTable as RuleTable
from workers.rules.rule import Rule as Rule
from workers.rules.rule import judge as judge
