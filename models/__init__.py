"""Records: the tables, every SELECT, migrations. Knows no HTTP, no queue and no audio."""

from models.alert import Alert as Alert
from models.call import Call as Call
from models.call import CallTag as CallTag
from models.call import Speaker as Speaker
from models.hit import Hit as Hit
from models.key import Key as Key
from models.turn import Turn as Turn
from models.verdict import MoodVerdict as MoodVerdict
