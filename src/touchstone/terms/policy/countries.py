"""Countries by code, sets of them, and how a person with several nationalities is decided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

STATELESS = "stateless"
"""Written where a nationality is, for a person who is known to have none."""

# ISO 3166-1 alpha-2, officially assigned.
_ASSIGNED = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT
BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH
ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT
HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI
NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG
SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG
UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
# Codes that ISO leaves to users: invented countries, and those that await a code.
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_USERS = {f"Q{letter}" for letter in "MNOPQRSTUVWXYZ"} | {f"X{letter}" for letter in _LETTERS}
CODES = frozenset(_ASSIGNED.split()) | _USERS | {"AA", "ZZ"}
NATIONALITIES = CODES | {STATELESS}

Dual = Literal["any", "all", "home"]
"""What of several nationalities counts: any one, all together, or the home one where there is one.
"""


@dataclass(frozen=True, slots=True)
class Countries:
    """The countries in `codes`, or every country but those."""

    codes: frozenset[str]
    others: bool = False

    def __contains__(self, code: object) -> bool:
        return (code in self.codes) is not self.others

    def union(self, other: "Countries") -> "Countries":
        """What lies in either."""
        if self.others and other.others:
            return Countries(self.codes & other.codes, others=True)
        if self.others:
            return Countries(self.codes - other.codes, others=True)
        if other.others:
            return Countries(other.codes - self.codes, others=True)
        return Countries(self.codes | other.codes)

    def __str__(self) -> str:
        listed = ", ".join(sorted(self.codes))
        return f"any country but {listed}" if self.others else listed

    def has(self, nationalities: Iterable[str], dual: Dual, home: frozenset[str]) -> bool:
        """Whether a person with these nationalities (at least one) counts as of these countries."""
        held = frozenset(nationalities)
        if dual == "all":
            return all(code in self for code in held)
        if dual == "home":
            # A dual national with a home nationality counts by it alone, whatever else is held.
            held = held & home or held
        return any(code in self for code in held)

    def tells_duals_apart(self, likely: Sequence[str]) -> tuple[str, str] | None:
        """Two nationalities of which one counts and one does not; None where that cannot be.

        `likely` are the codes that the drafter has in mind: one of them makes the clearer case.
        """
        if not self.codes:
            return None
        beyond = (code for code in (*likely, *sorted(CODES)) if code not in self.codes)
        other = next(beyond, None)
        return None if other is None else (min(self.codes), other)
