"""Format readers: files where the place is the evidence.

`reader_for(path)` is a cheap look-up by file name; `read` yields where each secret stands.
A reader that is `exclusive` knows the whole file: generic detection leaves it alone.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib import import_module
from typing import NamedTuple

from strongroom.scanner.formats.candidate import Candidate

__all__ = ["READERS", "Candidate", "Reader", "read", "reader_for"]


class Reader(NamedTuple):
    """How one family of files is read; `path` matches the whole lower-case path's end."""

    name: str
    path: str
    read: Callable[[str, bytes], Iterator[Candidate]]
    exclusive: bool = True


def _from(module: str, function: str) -> Callable[[str, bytes], Iterator[Candidate]]:
    """The reader `function` of a neighbouring module, imported when it first reads."""

    def read(path: str, data: bytes) -> Iterator[Candidate]:
        reader = getattr(import_module(f"{__name__}.{module}"), function)
        found: Iterator[Candidate] = reader(path, data)
        return found

    return read


READERS = (
    Reader("PPP secrets", r"(?:chap|pap|srp)-secrets", _from("lines", "ppp_secrets")),
    Reader("IPsec secrets", r"ipsec[\w.-]*\.secrets", _from("lines", "ipsec_secrets"), False),
    Reader(
        "SASL passwords", r"(?:sasl_passwd|smtp_auth|relay_passwd)(?:\.map)?", _from("lines", "sasl_passwd")
    ),
    Reader("davfs2 secrets", r"\.?davfs2?/secrets", _from("lines", "davfs_secrets")),
    Reader("SNMP users", r"snmpd[\w.-]*\.conf", _from("lines", "snmpd"), False),
    Reader(
        "VPN login", r"(?:open)?vpn/[\w.-]*(?:auth|pass|login|cred|user)[\w.-]*", _from("lines", "two_lines")
    ),
    Reader("Erlang cookie", r"\.?erlang\.cookie", _from("lines", "erlang_cookie")),
    Reader("HeidiSQL", r"(?:portable|heidi\w*)_settings\.txt", _from("lines", "heidi")),
    Reader("table", r"[\w.() -]+\.csv", _from("lines", "table"), False),
    Reader("Subversion passwords", r"(?:conf|svn\w*)/passwd", _from("lines", "svn_users"), False),
    Reader(
        "password file",
        (
            r"shadow-?|master\.passwd|g?shadow\.bak|\.?ht-?passwds?|[\w.-]*\.htpasswd|"
            r"[\w.-]*ftpd?[\w.-]*passwd|passwd|passwd\.txt|sasldb|dovecot/users|mosquitto/pwfile[\w.-]*"
        ),
        _from("accounts", "passwords_by_colon"),
    ),
    Reader("digest file", r"\.?htdigest[\w.-]*", _from("accounts", "htdigest")),
    Reader("PostgreSQL password file", r"\.?pgpass(?:\.conf)?", _from("accounts", "pgpass")),
    Reader("netrc", r"[._]netrc|netrc|\.authinfo", _from("accounts", "netrc")),
    Reader("git credentials", r"\.?git-credentials", _from("accounts", "credential_urls")),
    Reader("s3fs keys", r"\.?passwd-s3fs|\.s3fs", _from("accounts", "key_pairs")),
    Reader("Rails master key", r"master\.key|credentials/\w+\.key", _from("accounts", "key_file")),
    Reader("Exim logins", r"passwd\.client", _from("accounts", "mail_client")),
    Reader("CVS passwords", r"\.cvspass", _from("accounts", "cvspass")),
    Reader(
        "docker logins",
        r"\.dockercfg|\.dockerconfigjson|\.?docker/config\.json|dockerconfig\.json|containers/auth\.json",
        _from("structured", "docker_config"),
    ),
    Reader("Composer logins", r"(?<!containers/)auth\.json", _from("structured", "composer_auth")),
    Reader("Firefox logins", r"logins(?:-backup)?\.json", _from("structured", "firefox_logins")),
    Reader(
        "editor deployment",
        (
            r"sftp-config(?:-alt\d?)?\.json|\.?sftp\.json|\.?ftpconfig|\.?remote-sync\.json|"
            r"\.ftppass|\.?ftp-?deploy[\w.-]*\.json|deployment-config\.json|"
            r"ftp(?:sync)?\.(?:json|settings)|\.?ftp-simple\.json|\.ftpquota|ftp-kr\.json"
        ),
        _from("structured", "json_secrets"),
    ),
    Reader(
        "database clients (JSON)",
        r"robo(?:mongo|3t)\.json|data-sources\.json|credentials-config\.json|mongo[\w-]*\.json",
        _from("structured", "json_secrets"),
    ),
    Reader("Terraform state", r"[\w.-]*\.tfstate(?:\.backup)?", _from("structured", "json_secrets"), False),
    Reader(
        "FileZilla",
        r"(?:filezilla|recentservers|sitemanager|queue|filezilla[ _-]?server)\.xml",
        _from("structured", "filezilla"),
    ),
    Reader("chat accounts", r"(?:\.purple/)?accounts\.xml", _from("structured", "chat_accounts")),
    Reader(
        "IDE servers",
        (
            r"webservers\.xml|deployment\.xml|datasources(?:\.local)?\.xml|dbeaver[\w-]*\.xml|"
            r"data-sources\.xml|sqldeveloper[\w-]*\.xml|remote-servers\.xml"
        ),
        _from("structured", "ide_servers"),
    ),
    Reader("Jenkins credentials", r"credentials\.xml", _from("structured", "jenkins_credentials")),
    Reader("Windows answer file", r"(?:auto)?unattend[\w-]*\.xml", _from("structured", "answer_file"), False),
    Reader("Maven settings", r"settings(?:-security)?\.xml", _from("structured", "maven_settings"), False),
    Reader("Magento", r"etc/local\.xml", _from("structured", "magento")),
    Reader("Tomcat users", r"tomcat-users\.xml", _from("structured", "tomcat_users")),
    Reader("WinSCP", r"winscp\.ini", _from("structured", "winscp")),
    Reader("IRC servers", r"servlist_?\.conf", _from("structured", "irc_servers")),
    Reader("npm", r"\.?npmrc", _from("structured", "npmrc")),
    Reader(
        "client configuration",
        r"\.?my\.cnf|\.mylogin\.cnf|\.?pypirc|\.?s3cfg|\.boto|\.?(?:aws/)?credentials|"
        r"\.?esmtprc|\.?msmtprc|\.?muttrc|\.?mutt/\w+|\.?fetchmailrc|"
        r"irc\.conf|ventrilo\w*\.ini|\.?rclone\.conf|\.?gem/credentials|\.?ncftp/\w+|"
        r"[\w -]+\.nmconnection|\.offlineimaprc|\.?mbsyncrc|murmur\.ini|"
        r"mumble-server\.ini|\.?wgetrc|\.ossutilconfig|\.bintray|server\.cfg|"
        r"teamspeak\w*\.ini|\.?irssi/config",
        _from("structured", "ini_secrets"),
        False,
    ),
    Reader(
        "client configuration (YAML)",
        (
            r"\.?tugboat|hub|\.?config/hub|hosts\.ya?ml|\.?gem/credentials|mongoid\.ya?ml|"
            r"\.?cloud\.ya?ml|clouds\.ya?ml|\.?travis\.ya?ml\.bak"
        ),
        _from("structured", "yaml_secrets"),
        False,
    ),
    Reader("dotenv", r"\.?env|\.?env\.[\w.-]+|[\w.-]+\.env", _from("structured", "ini_secrets"), False),
    Reader(
        "Rails YAML",
        r"(?:database|secrets|credentials|shards|cable|redis|application)\.ya?ml",
        _from("structured", "yaml_secrets"),
        False,
    ),
    Reader(
        "kube config",
        r"\.?kube/config|kubeconfig(?:\.ya?ml)?|[\w.-]*\.kubeconfig",
        _from("structured", "kube_config"),
        False,
    ),
    Reader("WordPress", r"wp-config[\w.-]*\.php[\w.~-]*", _from("php", "wp_config"), False),
    Reader("SQL", r"[\w.-]+\.(?:sql|dump|mysql|psql)", _from("sql", "dump"), False),
    Reader(
        "manifest",
        r"[\w.-]+\.(?:ya?ml)|[\w.-]*(?:secrets?|stack|template|cloudformation)[\w.-]*\.json",
        _from("manifests", "manifest"),
        False,
    ),
)


# Most files of a source tree: no reader's path ends so, unless it holds one of ODD (a test holds them to it).
PLAIN = frozenset(
    (
        *(
            "py",
            "pyi",
            "pyc",
            "pyx",
            "js",
            "mjs",
            "cjs",
            "ts",
            "tsx",
            "jsx",
            "c",
            "h",
            "cc",
            "cpp",
            "hpp",
            "cs",
        ),
        *("rs", "go", "java", "kt", "scala", "swift", "rb", "pl", "html", "htm", "css", "scss", "md", "rst"),
        *("svg", "png", "gif", "jpg", "woff2", "so"),
    )
)
ODD = ("env", "vpn/", "pwfile", "htdigest", "mutt/", "ncftp/", "wp-config")


@lru_cache(maxsize=1)
def _matcher() -> re.Pattern[str]:
    return re.compile(
        r"(?:^|.*[/!])(?:" + "|".join(f"({reader.path})" for reader in READERS) + r")$", re.DOTALL
    )


@lru_cache(maxsize=4096)
def reader_for(path: str) -> Reader | None:
    """Return the reader of the file at `path`, or None for nearly all files."""
    tail = "/".join(path.lower().replace("\\", "/").rsplit("/", 2)[-2:])
    if tail.rpartition(".")[2] in PLAIN and not any(odd in tail for odd in ODD):
        return None
    match = _matcher().match(tail)
    if match is None or match.lastindex is None:
        return None
    return READERS[match.lastindex - 1]


def read(path: str, data: bytes) -> Iterator[Candidate]:
    """Yield the secrets of a file whose format is known; nothing for other files."""
    reader = reader_for(path)
    if reader is not None:
        yield from reader.read(path, data)
