"""The table of readers: which file, told by the end of its path, is read by which function."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import NamedTuple

from strongroom.scanner.formats.candidate import Candidate


class Reader(NamedTuple):
    """How one family of files is read; `path` matches the whole lower-case path's end."""

    name: str
    path: str
    read: Callable[[str, bytes], Iterator[Candidate]]
    exclusive: bool = True


def _from(module: str, function: str) -> Callable[[str, bytes], Iterator[Candidate]]:
    """The reader `function` of a neighbouring module, imported when it first reads."""

    def read(path: str, data: bytes) -> Iterator[Candidate]:
        reader = getattr(import_module(f"{__package__}.{module}"), function)
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
            r"g?shadow(?:-|\.(?:bak|old|orig|save))?|master\.passwd|\.?ht-?passwds?|[\w.-]*\.htpasswd|"
            r"[\w.-]*ftpd?[\w.-]*passwd|passwd(?:-|\.(?:txt|bak|old|orig|save))?|sasldb|dovecot/users|mosquitto/pwfile[\w.-]*"
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
            r"webservers\.xml|deployment\.xml|dbeaver[\w-]*\.xml|"
            r"data-sources\.xml|sqldeveloper[\w-]*\.xml|remote-servers\.xml"
        ),
        _from("structured", "ide_servers"),
    ),
    Reader("data sources", r"datasources(?:\.local)?\.xml", _from("structured", "ide_servers"), False),
    Reader("Jenkins credentials", r"credentials\.xml", _from("structured", "jenkins_credentials")),
    Reader("Windows answer file", r"(?:auto)?unattend[\w-]*\.xml", _from("structured", "answer_file"), False),
    Reader("Maven settings", r"settings(?:-security)?\.xml", _from("structured", "maven_settings"), False),
    Reader("Magento", r"local\.xml", _from("structured", "magento"), False),
    Reader("Tomcat users", r"tomcat-users\.xml", _from("structured", "tomcat_users")),
    Reader("WinSCP", r"winscp\.ini", _from("structured", "winscp")),
    Reader("IRC servers", r"servlist_?\.conf", _from("structured", "irc_servers")),
    Reader("npm", r"\.?npmrc", _from("structured", "npmrc")),
    Reader(
        "LDAP client",
        r"(?:pam_|libnss[_-]|nss_)?ldap\.conf|\.?ldaprc|nslcd\.conf",
        _from("programs", "ldap"),
        False,
    ),
    Reader("LDAP server", r"slapd[\w.-]*\.conf", _from("programs", "slapd"), False),
    Reader("Cisco VPN client", r"vpnc(?:/[\w.-]+)?\.conf", _from("programs", "vpnc"), False),
    Reader("RouterOS", r"[\w.-]+\.rsc", _from("programs", "routeros"), False),
    Reader("ZNC", r"znc\.conf", _from("programs", "znc"), False),
    Reader("Eggdrop", r"eggdrop[\w.-]*\.conf", _from("programs", "eggdrop"), False),
    Reader("Travis CI", r"\.?travis\.ya?ml", _from("programs", "travis"), False),
    Reader("Nagios macros", r"resource[\w.-]*\.cfg", _from("programs", "nagios"), False),
    Reader("remote desktop", r"[\w.() -]+\.rdp", _from("programs", "rdp"), False),
    Reader("1Password", r"[\w.-]+\.1pif", _from("programs", "onepassword"), False),
    Reader("HAProxy", r"haproxy[\w.-]*\.cfg", _from("programs", "haproxy"), False),
    Reader(
        "nginx",
        r"nginx[\w.-]*\.conf|nginx/[\w.-]+(?:\.conf|\.vhost)|sites-(?:enabled|available)/[\w.-]+",
        _from("programs", "nginx"),
        False,
    ),
    Reader("Exim", r"exim[\w.-]*\.conf(?:\.(?:template|inc))?", _from("programs", "exim"), False),
    Reader("rsync secrets", r"\.?rsyncd?[\w-]*\.(?:secrets|passwd)", _from("programs", "rsync_secrets")),
    Reader("JAAS", r"[\w.-]*jaas[\w.-]*\.(?:conf|config)", _from("programs", "jaas"), False),
    Reader("Kickstart", r"[\w.-]*(?:ks|kickstart)\.cfg|[\w.-]+\.ks", _from("programs", "kickstart"), False),
    Reader(
        "preseed", r"preseed[\w.-]*\.(?:cfg|txt)|[\w.-]+\.(?:pre)?seed", _from("programs", "preseed"), False
    ),
    Reader(
        "cloud-init",
        r"user-data|cloud[_-](?:init|config)[\w.-]*\.ya?ml",
        _from("programs", "cloud_init"),
        False,
    ),
    Reader("Bundler", r"\.?bundle/config", _from("programs", "bundler"), False),
    Reader("RubyGems", r"\.?gem/credentials", _from("programs", "gems"), False),
    Reader("NuGet", r"nuget[\w.-]*\.config", _from("structured", "nuget"), False),
    Reader("fetchmail", r"[._]?fetchmailrc", _from("programs", "fetchmail"), False),
    Reader("mail client", r"\.?mailrc|\.?nailrc|s-nail\.rc|mail\.rc", _from("programs", "mailrc"), False),
    Reader(
        "FreeRADIUS clients",
        r"(?:freeradius|raddb|3\.0)/clients\.conf",
        _from("programs", "radius_clients"),
        False,
    ),
    Reader(
        "FreeRADIUS users",
        r"(?:freeradius|raddb|3\.0|files)/(?:users|authorize)",
        _from("programs", "radius_users"),
        False,
    ),
    Reader(
        "wireless network",
        r"(?:hostapd|wpa_supplicant)[\w.-]*\.conf",
        _from("programs", "wireless"),
        False,
    ),
    Reader("OpenVPN", r"[\w.-]+\.ovpn", _from("programs", "openvpn"), False),
    Reader(
        "one secret",
        r"\.vault-token|\.?vault[_-]pass(?:word)?(?:\.txt)?|(?:pam_|libnss[_-])?ldap\.secret|"
        r"encrypted_data_bag_secret|\.?secrets?/[\w.-]*(?:pass(?:word|wd|phrase)?|token|secret|key)(?:\.txt)?|"
        r"\.secret(?:[_-]?key)?|\.?(?:root|db|mysql|admin)[_-]?pass(?:word|wd)?(?:\.txt)?",
        _from("programs", "one_word"),
        False,
    ),
    Reader(
        "vsftpd users",
        r"v(?:irtual)?[_-]?users?(?:\.txt)?|vsftpd/log(?:in|ins)\.txt",
        _from("programs", "ftp_users"),
        False,
    ),
    Reader(
        "Redis",
        r"(?:redis|sentinel|valkey)[\w.-]*\.conf|users\.acl",
        _from("programs", "redis"),
        False,
    ),
    Reader(
        "CouchDB",
        r"couchdb[\w.-]*\.ini|(?:couchdb|etc)/(?:local|default)\.ini|(?:local|default)\.d/[\w.-]+\.ini",
        _from("programs", "couchdb"),
        False,
    ),
    Reader(
        "client configuration",
        r"\.?my\.cnf|\.mylogin\.cnf|\.?pypirc|\.?s3cfg|\.boto|\.?(?:aws/)?credentials|"
        r"\.?esmtprc|\.?msmtprc|\.?muttrc|\.?mutt/\w+|"
        r"irc\.conf|ventrilo\w*\.ini|\.?rclone\.conf|\.?ncftp/\w+|"
        r"[\w -]+\.nmconnection|\.offlineimaprc|\.?mbsyncrc|murmur\.ini|"
        r"mumble-server\.ini|\.?wgetrc|\.ossutilconfig|\.bintray|server\.cfg|"
        r"teamspeak\w*\.ini|\.?irssi/config",
        _from("structured", "client_secrets"),
        False,
    ),
    Reader(
        "client configuration (YAML)",
        (
            r"\.?tugboat|hub|\.?config/hub|hosts\.ya?ml|mongoid\.ya?ml|"
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
