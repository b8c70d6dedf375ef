"""`python -m touchstone.verifier BUNDLE`: exit 0 it holds, 1 not, 2 bad input, 3 policy not met."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from . import VerifierInputError, verify_bundle

parser = argparse.ArgumentParser(prog="touchstone.verifier", description=__doc__)
parser.add_argument("bundle", type=Path)
parser.add_argument("--trust", action="append", default=[], metavar="FINGERPRINT")
parser.add_argument("--revoked", action="append", default=[], metavar="FINGERPRINT")
parser.add_argument("--witness", action="append", default=[], metavar="NAME=HEXKEY|VKEY")
parser.add_argument("--policy", type=Path, metavar="FILE")
parser.add_argument("--head", metavar="SIZE:ROOT")
parser.add_argument("--receipt", action="append", default=[], type=Path, metavar="FILE")
parser.add_argument("--json", action="store_true")
given = parser.parse_args()
try:
    pins = {"trust": given.trust, "revoked": given.revoked, "witnesses": given.witness}
    pins |= {"policy": given.policy, "head": given.head, "receipts": given.receipt}
    verdict = verify_bundle(given.bundle, **pins, now=datetime.now(UTC))
except VerifierInputError as error:
    parser.exit(2, f"touchstone: {error}\n")
lines = [json.dumps(verdict.as_dict())] if given.json else verdict.lines()
sys.stdout.write("\n".join([*lines, ""]))
sys.exit(verdict.exit_code)
