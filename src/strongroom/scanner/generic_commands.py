"""Secrets given on command lines, and in the commands that routers and switches are set up with.

Each pattern's group `v` is the secret. A table: adding a program adds an entry.
"""

COMMANDS = (
    (
        r"(?:mysql(?:dump|admin|import|show|check|sh)?|mariadb(?:-\w+)?)\b[^\n|"
        r";]{0,200}?\s-p(?P<v>[^\s\"'$-][^\s\"']{1,60}|(?<=-p)\"[^\"\n$]{2,60}(?=\")|"
        r"(?<=-p)'[^'\n]{2,60}(?='))"
    ),
    r"sshpass\s{1,3}-p\s{0,3}[\"']?(?P<v>[^\s\"']{2,80})",
    (
        r"(?:mongo(?:sh|dump|restore|export|import)?|smbclient|sqlcmd|bcp|isql|lftp|docker|az|cf|"
        r"oc|skopeo|buildah|podman|helm|crane|mongostat)\b"
        r"[^\n|;]{0,200}?\s(?:-p|-P)(?:[ =]|"
        r"(?=[^\s]{6}))[\"']?(?P<v>[^\s\"'$:/-][^\s\"':/]{3,80})[\"']?(?=\s|$|"
        r"[\"'`])(?!\s{0,3}\d+:)"
    ),
    r"(?:redis-cli|valkey-cli)\b[^\n|;]{0,120}?\s-a[ =]?[\"']?(?P<v>[^\s\"'$-][^\s\"']{2,80})",
    (
        r"ldap(?:search|add|modify|delete|passwd|whoami|compare|modrdn)\b[^\n|"
        r";]{0,200}?\s-w[ =]?[\"']?(?P<v>[^\s\"'$-][^\s\"']{2,80})"
    ),
    r"htpasswd\s{1,3}-\w{0,4}b\w{0,4}\s{1,3}\S{1,120}\s{1,3}\S{1,60}\s{1,3}[\"']?(?P<v>[^\s\"'$]{2,80})",
    r"(?:unzip|zip|7za?|rar|unrar)\b[^\n|;]{0,80}?\s(?:-P ?|-p)[\"']?(?P<v>[^\s\"'$-][^\s\"']{3,60})",
    (
        r"\becho\s{1,2}(?:-n\s)?[\"']?(?:\w{1,20}:)?(?P<v>[^\s\"'$`:]{3,64})[\"']?\s{0,2}\|"
        r"\s{0,2}(?:sudo\s{1,2}-S|(?:sudo\s)?passwd\s--stdin|docker\slogin|(?:sudo\s)?chpasswd)"
    ),
    r"net\s{1,2}user\s{1,2}[^\s/]{1,60}\s{1,2}(?P<v>[^\s\"'%/]{3,60})\s{1,2}/add",
    r"openssl\b[^\n|;]{0,160}?\s-k\s{1,3}[\"']?(?P<v>[^\s\"'$-][^\s\"']{3,80})",
    r"net\s{1,2}use\s[^\n]{1,120}/user:\S{1,60}\s{1,2}(?P<v>[^\s\"'%/]{3,60})",
    (
        r"(?i:nickserv)[\"',: ]{1,8}(?i:identify)\s{1,3}(?:[\w|^-]{1,30}\s{1,2})?"
        r"(?P<v>[^\s\"'<$;]{3,80})(?:[\"')]{0,3}\s{0,3}$|;)"
    ),
    r"(?:pass(?:in|out)?)\s{1,2}[\"']?pass:(?P<v>[^\s\"'$]{2,80})",
    r"(?:plink|pscp|psftp|putty|kitty)\b[^\n|;]{0,160}?\s-pw\s{1,3}[\"']?(?P<v>[^\s\"'$%-][^\s\"']{2,80})",
    r"(?:ipmitool|osql|rdesktop|psexec\w{0,4})\b[^\n|;]{0,160}?\s-[pP]\s{1,3}[\"']?(?P<v>[^\s\"'$%/-][^\s\"'/]{2,80})",
    r"(?:smbclient|rpcclient|winexe|net\s{1,2}(?:rpc|ads))\b[^\n|;]{0,160}?\s-U\s{0,3}[\"']?[\w\\/.@-]{1,60}%(?P<v>[^\s\"'$]{3,80})",
    r"rabbitmqctl\s{1,3}(?:add_user|change_password)\s{1,3}\S{1,60}\s{1,3}[\"']?(?P<v>[^\s\"'$-][^\s\"']{2,80})",
    r"wpa_passphrase\s{1,3}(?:\"[^\"\n]{1,40}\"|\S{1,40})\s{1,3}[\"']?(?P<v>[^\s\"'$>|<][^\s\"'>|]{7,63})",
    r"cmdkey\b[^\n]{0,120}\s/pass:(?P<v>[^\s\"'%$]{3,80})",
    r"net\s{1,2}use\s{1,2}(?:[\w*]:?\s{1,2})?\\\\[^\s]{1,120}\s{1,2}(?P<v>[^\s\"'%/*][^\s\"'%/]{2,60})\s{1,2}/user:",
)
# Configuration of routers and switches: the words before the secret say what it is.
DEVICES = (
    r"\bsnmp-server\s{1,2}community\s{1,2}(?P<v>[^\s\"'<$]{5,64})",
    r"\b(?:tacacs|radius)-server\s[^\n]{0,80}?key\s{1,2}(?:[067]\s{1,2})?(?P<v>[^\s\"'<$]{5,128})",
    r"\bisakmp\s{1,2}key\s{1,2}(?:[06]\s{1,2})?(?P<v>[^\s\"'<$]{5,128})\s{1,2}(?:address|hostname)",
    r"\bneighbor\s{1,2}\S{1,60}\s{1,2}password\s{1,2}(?:[057]\s{1,2})?(?P<v>[^\s\"'<$]{5,128})",
    r"\bmessage-digest-key\s{1,2}\d{1,3}\s{1,2}md5\s{1,2}(?:[07]\s{1,2})?(?P<v>[^\s\"'<$]{4,64})",
    r"\busername\s{1,2}\S{1,60}\s[^\n]{0,40}?(?:password|secret)\s{1,2}0\s{1,2}(?P<v>[^\s\"'<$]{4,64})",
    r"\bset\s{1,2}(?:passwd|password|psksecret)\s{1,2}ENC\s{1,2}(?P<v>[\w+/=]{16,400})",
    r"\bpre-shared-key\s{1,2}ascii-text\s{1,2}\"(?P<v>[^\s\"<]{5,128})\"",
)
