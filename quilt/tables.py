"""Every table of the site: a column that points at another table has its type from there, once that is loaded."""

from quilt import mail  # noqa: F401
from quilt.accounts import domain_models as _domains  # noqa: F401
from quilt.accounts import models as _accounts  # noqa: F401
from quilt.accounts import models_identity as _identities  # noqa: F401
from quilt.accounts import models_security as _accounts_security  # noqa: F401
from quilt.arrivals import models as _arrivals  # noqa: F401
from quilt.community import models as _community  # noqa: F401
from quilt.contests import models as _contests  # noqa: F401
from quilt.embeds import models as _embeds  # noqa: F401
from quilt.entries import models as _entries  # noqa: F401
from quilt.integrity import models as _integrity  # noqa: F401
from quilt.journeys import models as _journeys  # noqa: F401
from quilt.judging import models as _judging  # noqa: F401
from quilt.media import models as _media  # noqa: F401
from quilt.moderation import models as _moderation  # noqa: F401
from quilt.results import models as _results  # noqa: F401
from quilt.shares import models as _shares  # noqa: F401
from quilt.shares import models_posting as _posting  # noqa: F401
from quilt.votes import casting_models as _casting  # noqa: F401
from quilt.votes import ledger_models as _ledger_models  # noqa: F401
from quilt.votes import models as _votes  # noqa: F401
from quilt.webhooks import models as _webhooks  # noqa: F401
