"""Records: the tables, every SELECT, migrations. Knows no HTTP, no queue and no audio."""

from models.alert import Alert as Alert
from models.alert_event import AlertEvent as AlertEvent
from models.alert_rule import AlertRule as AlertRule
from models.alert_rule import AlertRuleRevision as AlertRuleRevision
from models.audit import Audit as Audit
from models.call import Call as Call
from models.call import CallTag as CallTag
from models.call import Speaker as Speaker
from models.call_number import CallNumber as CallNumber
from models.comment import Comment as Comment
from models.delivery import Delivery as Delivery
from models.delivery import DeliveryAttempt as DeliveryAttempt
from models.doomed import DoomedRecording as DoomedRecording
from models.history import CallEvent as CallEvent
from models.hit import Hit as Hit
from models.hit_verdict import HitVerdict as HitVerdict
from models.key import Key as Key
from models.label import CallLabel as CallLabel
from models.lexicon_rows import Lexicon as Lexicon
from models.lexicon_rows import LexiconRevision as LexiconRevision
from models.lexicon_rows import LexiconVersion as LexiconVersion
from models.rematch import Rematch as Rematch
from models.saved_search import SavedSearch as SavedSearch
from models.subscription import Subscription as Subscription
from models.turn import Turn as Turn
from models.verdict import MoodVerdict as MoodVerdict
