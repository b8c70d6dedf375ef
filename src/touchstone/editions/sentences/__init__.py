"""The catalogue of every sentence that a reader of reports meets; `en/` holds the English ones.

Code names a sentence and gives its values; which words say it, and in which order, only the
catalogue knows, so that another language needs another folder and no other code::

    sentence("timeline.withheld", label="TLP:RED")

Begin at `touchstone.editions.sentences.catalogue`: `sentence(key, **values)`.
"""

from touchstone.editions.sentences.catalogue import (
    Catalogue,
    catalogue,
    english,
    markup,
    paragraph,
    sentence,
    using,
)

__all__ = ["Catalogue", "catalogue", "english", "markup", "paragraph", "sentence", "using"]
