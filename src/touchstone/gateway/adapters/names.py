"""Names of fields that say what a request is or reaches, in every spelling that is read as one.

Servers read `reasoningEffort` where others write `reasoning_effort`: only letters and digits count.
"""

import re
import unicodedata

_REFERENCES = frozenset(
    {
        "approvalrequestid",
        "assistantid",
        "audioid",
        "batchid",
        "containerid",
        "conversation",
        "conversationid",
        "fileid",
        "fileids",
        "imageid",
        "itemid",
        "itemreference",
        "model",
        "previousresponseid",
        "promptid",
        "responseid",
        "runid",
        "skillid",
        "skills",
        "threadid",
        "vectorstoreid",
        "vectorstoreids",
        "vectorstores",
    }
)
"""Names under which something of another exchange is meant."""
_JUDGED = frozenset(
    {
        "background",
        "container",
        "conversation",
        "deployment",
        "deploymentid",
        "effort",
        "engine",
        "extrabody",
        "extraheaders",
        "extraquery",
        "fallbacks",
        "mcpservers",
        "mode",
        "model",
        "modelid",
        "modelname",
        "models",
        "outputconfig",
        "preset",
        "prompt",
        "store",
        "stream",
    }
)
"""Names that are judged in their own place, or under which nothing may go on."""
_JUDGED_IN_PART = re.compile(
    "reasoning|thinking|chattemplate|fallbackmodel|draftmodel|basemodel|^lora|^adapters?(id|name|path|$)"
)
"""The same of whatever has these in its name."""
_PARTS = re.compile(r"[^\w-]+")


def is_reference(name: str) -> bool:
    """Whether a field of this name says where something of another exchange lies."""
    return _letters(name) in _REFERENCES


def is_judged(name: str) -> bool:
    """Whether a field of this name could say which model answers, how, and what is kept of it.

    Of `a.b` each part is looked at: some servers read it as `b` below `a`.
    """
    names = {_letters(each) for each in (name, *_PARTS.split(name))}
    return not _JUDGED.isdisjoint(names) or any(map(_JUDGED_IN_PART.search, names))


def _letters(name: str) -> str:
    # As servers may fold them: capitals and full-width letters are the same letters.
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(filter(str.isalnum, plain))
