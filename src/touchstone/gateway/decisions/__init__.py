"""The decision as a service, for those who put no gateway in the path: by HTTP, or as a call.

It enforces nothing: it forwards no request, cuts no stream, and cannot know what a proxy then does.
"""

from touchstone.gateway.decisions.gatekeeper import Gatekeeper
from touchstone.gateway.decisions.questions import Question, Reader
from touchstone.gateway.decisions.serving import DecisionService, InForce

__all__ = ["DecisionService", "Gatekeeper", "InForce", "Question", "Reader"]
