"""Made-up tokens in the providers' formats, drawn from a seed: what every tool should find."""

import base64
import random
import string
import zlib

LOWER_DIGITS = string.ascii_lowercase + string.digits
ALNUM = string.ascii_letters + string.digits
DIGITS = "123456789"
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


def draw(dice: random.Random, alphabet: str, count: int) -> str:
    """Return `count` characters of `alphabet`."""
    return "".join(dice.choices(alphabet, k=count))


def github(dice: random.Random) -> str:
    """A classic token of GitHub: its last six characters are a CRC-32 in base 62."""
    body = draw(dice, ALNUM, 30)
    number, check = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        check = BASE62[digit] + check
    return f"ghp_{body}{check}"


def planted(dice: random.Random) -> list[tuple[str, str]]:
    """One line of configuration for each kind, with the token in it: (line, token)."""
    tokens = {
        "GITHUB_TOKEN": github(dice),
        "GITLAB_TOKEN": "glpat-" + draw(dice, ALNUM, 20),
        "STRIPE_KEY": "sk_live_" + draw(dice, ALNUM, 24),
        "SLACK_TOKEN": "-".join(
            ["xoxb", draw(dice, DIGITS, 12), draw(dice, DIGITS, 12), draw(dice, ALNUM, 24)]
        ),
        "SENDGRID_KEY": f"SG.{draw(dice, ALNUM, 22)}.{draw(dice, ALNUM, 43)}",
        "AWS_ACCESS_KEY_ID": "AKIA" + draw(dice, string.ascii_uppercase + "234567", 16),
        "DIGITALOCEAN_TOKEN": "dop_v1_" + draw(dice, "0123456789abcdef", 64),
        "SHOPIFY_TOKEN": "shpat_" + draw(dice, "0123456789abcdef", 32),
        "DOCKER_PAT": "dckr_pat_" + draw(dice, ALNUM, 27),
        "HF_TOKEN": "hf_" + draw(dice, string.ascii_letters, 34),
    }
    key = base64.b64encode(dice.randbytes(1190)).decode()
    lines = [(f"{name}={token}", token) for name, token in tokens.items()]
    body = "\\n".join(key[i : i + 64] for i in range(0, len(key), 64))
    armour = f"-----BEGIN RSA PRIVATE KEY-----\\n{body}\\n-----END RSA PRIVATE KEY-----"
    return [*lines, (f'DEPLOY_KEY="{armour}"', key[:64])]
