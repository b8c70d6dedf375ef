"""What the law says when it refuses, worded in one place: a whole sentence for each code.

Programs read the code and its data; both are stable. A clause of `CLAUSES` follows whose deed it
is and when; `grounds` writes values. A value that is several says how: `{modes:or}`.
"""

from collections.abc import Mapping

IN_STATUSES: Mapping[tuple[str, ...], str] = {
    ("open",): "while the case is open",
    ("open", "closed"): "while the case is open or closed",
    ("withdrawn", "closed"): "once the case is withdrawn or closed",
    ("open", "withdrawn", "closed"): "until the case is destroyed",
    ("open", "withdrawn"): "while the case is open or withdrawn",
    ("open", "withdrawn", "closed", "destroyed"): "at any time",
}
"""By the statuses of a rule, when its deeds may be done."""

WHOLE: Mapping[str, str] = {
    "events-unknown": (
        "this case holds events of a newer version ({unknown:first}): upgrade before you add to it"
    ),
    "no-case": "{deed} needs a case: the developer or the centre opens one first",
    "addressee-excluded": (
        "{deed}: its marking {marking} keeps it from {addressees:or}, whom it addresses: name them "
        "in the marking, or take a wider one"
    ),
    "every-party-excluded": (
        "{deed}: its marking {marking} keeps it from some party, whom it addresses, for who joins "
        "later checks by it whose key is whose: take AMBER, and name {name}"
    ),
    "beyond-the-case": (
        "{deed}: its marking {marking} opens it to others than the parties of the case, and who "
        "takes part is not one party's to tell: take AMBER, and name {name} alone"
    ),
    "nobody-addressed": (
        "{deed}: its marking {marking} keeps it from another party, whom it addresses: name them "
        "in the marking, or take a wider one"
    ),
    "case-begun": "case-opened begins a case, and this one has begun: open another case",
    "framework-for-comparison": (
        "{framework} is for comparison only: cases are opened under frameworks whose gate is none"
    ),
    "not-an-opener": "case-opened is for the developer or centre; {actor} would be {role}",
    "opening-names-no-party": "case-opened: {why}",
}
"""Of deeds that no rule's roles and statuses explain."""

FAULTS: Mapping[str, str] = {
    # What cannot be read.
    "no-object": "an event is a JSON object, and this is none",
    "ill-formed": "event {deed}: {why}",
    "of-older-schema": (
        "event {deed}: schema {schema} is an older version's: propose it in schema {written}"
    ),
    "not-upcast": "event {deed}: schema {schema}: {why}",
    "type-unknown": "no rule knows the event {deed}: use a type of this version",
    # What fits no case, or not this one.
    "admits-unasked": "{deed} admits nobody: leave admits to party-admitted",
    "key-act-unasked": "{deed} changes no key: leave key_act to acts on keys",
    "framework-of-another-case": "the case is held to {id} {digest}: load that framework",
    "framework-not-pinned": (
        "case-opened: framework: names another version than {id} {digest}: pin that one"
    ),
    "framework-missing": "{deed}: the part framework is missing or none: add it first",
    "time-zone-unknown": "no time zone {zone} here: fix the name or update tzdata",
    "installation-key-unknown": "{deed}: installation_key: is no key of this one",
    "certificate-of-another-head": "{deed}: certificate: is of another head of the log",
    "certificate-misstated": "{deed}: certificate: is not the certificate's digest",
    # What goes with it.
    "case-takes-no-parts": (
        "{deed}: the case was destroyed, and its record takes no content any more: leave the parts "
        "out; the facts hold their digests"
    ),
    "part-unknown": (
        "{deed}: its parts beside the facts are {count}, and its type knows {known}: leave out the "
        "others"
    ),
    "part-missing": "{deed}: the part {part} is missing: add it",
    "part-of-another-kind": "{deed}: the part {part}: is to be {kind}",
    "part-fields": "{deed}: the part {part}: has exactly {fields}",
    "part-too-long": "{deed}: the part {part}: is longer than {most} bytes",
    "part-ill-formed": "{deed}: the part {part}: is not as its type asks",
    "parts-ill-formed": "{deed}: its parts are not as its type asks",
    "evidence-bytes-needed": (
        "{deed}: the part {part}: can only be checked with its bytes: send them first"
    ),
    "evidence-misstated": (
        "{deed}: the part {part}: its bytes are not of the digest and size that it tells"
    ),
    "digest-misstated": "{deed}: the part {part}: {fact} is not its digest",
    # What must agree with the facts.
    "fact-misstated": "{deed}: {fact} is not as {by} has it",
    "framework-named-otherwise": (
        "{deed}: framework.id is not the id of the framework that goes with it"
    ),
    "agreement-on-another-framework": "{deed}: the agreement is on another framework",
    "submission-of-another": "{deed}: the submission is another developer's",
    "submission-told-otherwise": "{deed}: {what} are told otherwise than the submission has them",
    "seed-not-committed": "{deed}: the seed is not the one that the sealed battery commits to",
    "another-seed": (
        "{deed}: another seed than the one that follows from what was contributed to {battery}"
    ),
    "another-contribution": (
        "{deed}: another contribution to the seed of {battery} than its facts name"
    ),
    "contribution-to-another": (
        "{deed}: the contribution is not the {what}'s to the seed of {battery}: draw one for it"
    ),
    "opened-without-outcome": "{deed}: other items are opened than have outcomes",
    "details-without-outcome": "{deed}: details are of samples that have no outcome",
    "sightings-are-none": "{deed}: the part sightings: is not as a scan writes it",
    "sightings-told-otherwise": "{deed}: counts of {detector} are not as the sightings have them",
    "text-of-another-directive": "{deed}: the text has another directive's id",
    "restores-told-otherwise": (
        "{deed}: the text spares people from other directives than restores names"
    ),
    "carried-told-otherwise": "{deed}: directives are not those that the bundle carries",
    "receipt-is-none": "{deed}: the receipt is none",
}
"""Of deeds that cannot be read, or that fit no case, whoever signs them and whenever."""

CLAUSES: Mapping[str, str] = {
    # Whose deed it is, and when.
    "not-admitted": ("{actor} is not in this case: the developer or the centre admits parties"),
    "not-invited": ("{actor} is not in this case: the developer or the centre invites parties"),
    "not-your-role": "{actor} is {role} in this case",
    "case-open": "the case is open",
    "case-withdrawn": "the case is withdrawn",
    "case-closed": "the case is closed",
    "case-destroyed": "the case is destroyed",
    # Parties and their keys.
    "invitation-only": "this case takes parties by invitation: invite the party",
    "not-by-invitation": "this case was opened with a list of parties: use party-admitted",
    "not-your-key": "only {party} itself changes its key",
    "role-fixed": "{party} is {role} and stays so",
    "not-an-admitter": "only the developer or the centre admits a new party",
    "role-not-admitted": "a case has one {role}, from its opening on",
    "role-taken": "the case has its {role}: {holder}",
    "key-of-another": "the key for {party} is {holder}'s: each party has its own",
    "names-no-party": "{why}",
    "too-late-to-join": "the case is {status}: no party can be added",
    "invited-has-joined": "{party} has joined already",
    "joined-already": "{actor} has joined already: rotate its key",
    "joins-for-another": "{party} joins by its own deed",
    "uninvited": "{actor} is invited as nothing",
    "invited-in-another-role": "{actor} is invited as {role}",
    "key-not-invited": "the invitation expects the key {expects}",
    "key-seen-before": "the case has seen this key before: make a new one",
    "type-not-signable": "no signer signs {type}: leave it out",
    "signer-unknown": "{key} is no signer of {actor}",
    "key-not-announced": "{actor} announced {announced} as its next key",
    "reinvites-itself": "a party speaks for no new key of its own: two others do",
    "reinvited-has-not-joined": "{party} has not joined: invite it",
    "agency-not-of-framework": "{framework} does not name the agency {actor}",
    "reinvited-already": "{actor} has said so of {party} already",
    "no-recovery": "nobody says that {actor} goes on with a new key",
    "not-reinvited-by-two": (
        "two others of different roles must say that it goes on with {key}; those who did: "
        "{said:words}"
    ),
    "may-still-object": "{actor} has until {until} to object with the key that it had",
    "has-left": (
        "{actor} takes part no more since {at}: what it did stands, and it does nothing further"
    ),
    "invited-has-left": (
        "{party} took part and has left: it may take part again under another id alone"
    ),
    "invitation-unknown": "{party} is not invited, or has joined: remove it, if it is your guest",
    "invitation-of-another": "{by} invited {party}, and takes that back",
    "not-in-case": "{party} is not in this case",
    "role-not-removed": (
        "{party} is {role} here: the developer withdraws, and the centre closes the case"
    ),
    "guest-of-another": "{by} invited {party}, and may remove it; it may leave by itself",
    "agency-of-framework": "{framework} names the agency {party}: it may leave by itself",
    "key-not-ending": "{key} is no key of {actor} that ends with this",
    # The agreement, inquiries and the submission.
    "retention-too-long": (
        "content is kept {days} days, and {template}, the framework's template, allows {most}: "
        "agree on at most so many"
    ),
    "publication-too-wide": (
        "publication is {publication}, and {template}, the framework's template, allows {most}: "
        "agree on that or less"
    ),
    "inquiry-id-taken": "inquiry {inquiry} was asked already: take a new id",
    "inquiry-unknown": "the developer asked no inquiry {inquiry}",
    "case-is-inquiry": "this case is an inquiry: open a review or a screening",
    "variant-measured": ("variant {variant} is measured already: give the changed one a new id"),
    "nothing-submitted": "the developer has submitted nothing yet",
    "submission-superseded": "the newest submission is {newest}",
    # The clock.
    "window-too-early": "the window is laid when the developer has submitted",
    "window-laid": ("the window is laid already; a new submission of the developer's lays it anew"),
    "window-not-by-rule": "the framework's rule gives share-by {share_by}: use window_laid",
    "window-not-laid": "no window is laid yet",
    "clock-ended": "the clock has ended",
    "clock-paused": "the clock is paused already",
    "clock-not-paused": "the clock is not paused",
    "extension-too-long": "extensions add up to at most {most} days",
    # Measuring.
    "agreement-missing": "developer and centre must have signed the same agreement",
    "submission-incomplete": "the centre must have assessed the submission as complete",
    "sandbox-breached": (
        "the sandbox was breached: the centre halts the review, and resumes it once mended"
    ),
    "review-halted": "the review is halted by {by}, who can resume it",
    "halted-already": "this party's halt stands already",
    "halt-of-another": "only a party that halted the review can lift its halt",
    "battery-sealed": "battery {battery} is sealed already: seal another",
    # Seeds.
    "seed-of-another-battery": "{next} is sealed next: commit to its seed, not to {battery}'s",
    "seed-committed": "the centre has committed to the seed of {battery}, and that stands",
    "seed-not-committed-to": "the centre has committed to no seed of {battery} so far",
    "another-commitment": "to the seed of {battery} the centre has committed as {committed}",
    "contribution-late": (
        "{battery} is sealed: a contribution to its seed comes too late, and changes nothing"
    ),
    "contribution-stands": "what the developer gave to the seed of {battery} stands",
    "seed-waits": "the seed of {battery} is committed to: seal {battery} first",
    "another-origin": (
        "another seed: that of {battery} is made of what stands in the record, and of that alone"
    ),
    "seed-revealed": "the seed of {battery} is revealed, and with it every item",
    "battery-unknown": "no battery {battery} is sealed",
    "battery-without-items": "battery {battery} has no items for {criterion}",
    "criterion-not-numeric": "{framework} has no numeric criterion {criterion}",
    "variant-unknown": "the developer submitted no variant {variant}",
    "variant-replaced": "what answered as {variant} changed: it is {now} now",
    "variant-id-taken": "{variant} is a variant already: give a new id",
    "snapshot-changed": "{variant} was {before} by {method}: record snapshot-changed",
    "mode-unknown": "{variant} was submitted without a mode {mode}",
    "item-not-sealed": (
        "item {item}, attempt {attempt} was not sealed: {battery} has {items} items and {attempts} "
        "attempts for {criterion}"
    ),
    "outcome-stands": "item {item}, attempt {attempt} has an outcome, and the first stands",
    "scores-mixed": (
        "a run with {reported} scores that are only reported and {measured} results that decide is "
        "neither: record scores that decide nothing under a name of their own"
    ),
    "compared-not-recorded": (
        "{compared} items are compared with {mode} mode, and {recorded} of them are recorded there"
    ),
    "scan-not-of-all": (
        "the record holds {recorded} outcomes of {battery}, and a scan counts each: not {said}"
    ),
    "grading-stands": (
        "{battery} was graded by this endpoint with these questions, which looked at {counted} "
        "transcripts, and a further grading looks at more"
    ),
    "scan-stands": (
        "{battery} was scanned by these detectors, which looked at {counted} transcripts, and a "
        "further scan looks at more"
    ),
    # Verdicts.
    "mode-not-judged": "{criterion} is judged in: {modes}",
    "error-rates-too-loose": (
        "{criterion} is judged at alpha {alpha} and beta {beta}, or stricter"
    ),
    "score-only-reported": (
        "of {criterion} {reported} scores are only reported, and decide nothing: seal a set whose "
        "pack says from which score on an item is solved"
    ),
    "verdict-stands": "the verdict {verdict} stands: to look again, seal another battery",
    "counts-misstated": (
        "the record holds {solved} solved of {counted} counted for {variant} in {mode} mode, and "
        "{sealed} were sealed: not {said_solved} of {said_counted}"
    ),
    "losses-misstated": (
        "of the samples that it rests on, {unmeasured:counts} measured nothing: say so"
    ),
    "reasoning-misstated": "reasoning in {mode} mode is {reasoning} by the record, not {said}",
    "reference-not-run": (
        "the reference {reference} must have run every item in each of its modes"
    ),
    "reference-misstated": (
        "{criterion} is compared with {references:references}, by the record: say so"
    ),
    "reference-not-asked": "{criterion} is compared with no reference, by the record: say so",
    "reference-missing": "a comparison names what it compares with",
    "verdict-not-borne": (
        "{solved} of {counted} solved and {unmeasured} that measured nothing do not bear "
        "{verdict}: they say {words:words}"
    ),
    "stop-not-borne": (
        "{solved} of {counted} solved and {unmeasured} that measured nothing do not bear "
        "{verdict} as {reason}: they say {words:words}"
    ),
    "mode-not-shown": (
        "{solved} of {counted} solved and {unmeasured} that measured nothing do not bear "
        "{verdict} of {mode} mode, which is not shown to be on: they say {words:words}"
    ),
    "stop-of-mode-not-shown": (
        "{solved} of {counted} solved and {unmeasured} that measured nothing do not bear "
        "{verdict} as {reason} of {mode} mode, which is not shown to be on: they say {words:words}"
    ),
    "design-not-sealed": "{battery} was sealed with a {design} design for {criterion}",
    "size-not-sealed": "{sealed} items were sealed for {criterion}, not {size}",
    "prefix-misstated": (
        "of the first {first} items in their order the record holds {prefix} without a gap, "
        "{solved} solved of {used}, not {said_solved} of {said_counted}"
    ),
    "overshoot-misstated": (
        "the record holds {recorded} outcomes, {overshoot} beyond are too many"
    ),
    "claim-misstated": "{verdict} claims {rate} here, not {said}",
    "claim-missing": "{verdict} claims {rate} here, not none",
    "claim-not-asked": "{verdict} claims no rate here, not {said}",
    # Findings and evidence.
    "finding-id-taken": "finding {finding} is signed already: take a new id",
    "finding-unknown": "no finding {finding} is signed",
    "finding-not-disputed": "the developer does not dispute {finding}",
    "finding-of-another": "{signer} signed {finding} and answers for it",
    "domain-unknown": "{framework} has no domain {domain}",
    "criterion-unknown": "{framework} has no criterion {criterion} in {domain}",
    "evidence-not-asked": "{framework} asks for no declared evidence on {criterion}",
    # Designation.
    "developer-has-left": "the developer has left: what was said stands as it is",
    "not-the-proposer": "under {framework} {proposer} proposes",
    "centre-proposes": "{framework} names nobody to propose, so the centre does",
    "proposal-not-by-rule": (
        "the rule gives {designation}, for reasons of its own: use propose_designation"
    ),
    "not-asked-to-concur": "{framework} does not ask {actor} to concur",
    "nothing-proposed": "nothing is proposed yet",
    "not-in-question": "in question is {designation}, on proposal {proposal}",
    "no-designation": "{framework} knows no designation",
    "not-the-designator": "under {framework} {designator} designates",
    "proposal-superseded": "the newest proposal is {newest}",
    "designation-made": "a designation is made already: revise it",
    "designation-not-made": "no designation is made yet",
    # Terms, postponement, reports.
    "offer-unanswered": "{terms} awaits an answer: agree, decline or counter",
    "terms-superseded": "on the table: {terms}",
    "table-empty": "on the table: nothing",
    "own-offer": "this party made the offer: offer anew instead",
    "request-id-taken": "request {request} was made already: take a new id",
    "request-unknown": "nobody made a request {request}",
    "nothing-released": "the developer has announced no release",
    "edition-out-of-order": "the next edition for {audience} is {next}",
    # Directives.
    "agency-not-named": "{framework} names {agencies}, and not {actor}",
    "directive-id-taken": "directive {directive} is issued already: take a new id",
    "directive-out-of-order": "the next directive has number {next}, not {number}",
    "directive-ended": "its end {expires} is in the past, at {at}: set a later end",
    "restored-unknown": "it spares people from {directive}, which nobody issued",
    "restored-of-another": "it spares people from {directive}, which {issuer} issued",
    "restored-lifted": "it spares people from {directive}, which is lifted already",
    "directive-unknown": "no directive {directive} is issued",
    "directive-answered": "{directive} is answered {answer}: revise that answer",
    "directive-unanswered": "{directive} has no answer so far: answer it",
    "directive-of-another": "{issuer} issued {directive} and lifts it",
    "directive-lifted": "{directive} is lifted already",
    "classes-not-asked": "{answer} names no standing classes: leave them out",
    "classes-not-authorised": "the developer has authorised no standing classes",
    "classes-superseded": "the standing classes in force are {classes}",
    "classes-ended": "the standing classes ended {until}",
    # Bundles and receipts.
    "bundle-out-of-order": "the next bundle of {stream} has number {next}, not {number}",
    "bundle-unknown": "there is no bundle {number} of {stream} to return to",
    "terms-not-agreed": "terms {terms} have not been agreed in this case",
    "bundled-unanswered": "directive {directive} is not issued or not answered",
    "bundled-order-unknown": "{order} is neither the order nor a reading of {directive}",
    "bundle-not-published": "bundle {number} of {stream} was not published, or is another",
    "receipt-noted": "{gateway}'s receipt {number} is noted already",
    # What is kept.
    "installation-alone": "{actor} is a party, and signs for itself alone",
    "weights-not-there": (
        "variant {variant} names the weights {weights}, of which the developer handed no manifest "
        "in: touchstone weights add does so"
    ),
    "document-id-taken": "document {document} was handed in already: take a new id",
    "day-not-over": "{day} is not over",
    "day-digested": "the reads of {day} are digested already",
    # Destroying.
    "directive-in-force": (
        "directive {directive} of {issuer} is in force until {until}: it is lifted, or ends, first"
    ),
    "directive-carried-out": (
        "directive {directive} is lifted, and the newest bundle of {stream} still carries it out: "
        "the developer publishes one without it first"
    ),
    "dispute-open": (
        "finding {finding} is disputed, and {signer} has not answered: it looks at it again first"
    ),
    "halt-in-force": "the review is halted by {by}, who can lift the halt first",
}
"""Of deeds that have a rule: what follows whose they are and when."""

SENTENCES: Mapping[str, str] = {
    **WHOLE,
    **FAULTS,
    **{code: "{deed} is {rule}; " + clause for code, clause in CLAUSES.items()},
}
"""By code, which names what is wrong; `deed` is the type of the event, `rule` whose and when."""
