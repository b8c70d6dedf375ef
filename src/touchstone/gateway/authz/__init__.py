"""The decision as a service, for those who put no gateway in the path: by HTTP, or as a call.

It enforces nothing: it forwards no request, cuts no stream, and cannot know what a proxy then does.
"""

from touchstone.gateway.authz.gatekeeper import Gatekeeper
from touchstone.gateway.authz.questions import Question, RequestReader
from touchstone.gateway.authz.serving import DecisionService, InForce

__all__ = ["DecisionService", "Gatekeeper", "InForce", "Question", "RequestReader"]
