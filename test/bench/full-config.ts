/** A configuration with a value in nearly every key, three accounts and five routes; its relay takes what the bench sends. */
export const fullConfig = (port: number, spool: string): string => `
domain = "example.org"
hostname = "client.example.org"
from_mode = "keep"
dsn = true
ip = "prefer-4"
retry = ["1m", "5m", "15m", "1h", "4h"]
expire = "5d"
delay_warning = "4h"
relay = "smtp://127.0.0.1:${port}"
local = "relay"
log = "none"

[aliases]
postmaster = "root"
root = "ann@example.org"
"www-data" = "ann@example.org, ops@example.org"

[dns]
servers = ["127.0.0.1:5353", "[::1]:53"]

[mx]
port = 25
allow_local = false

[tls]
level = "none"
ca = "system"
min_version = "TLSv1.2"

[timeouts]
resolve = 30
connect = "30s"
greeting = "5m"
ehlo = "5m"
starttls = "2m"
tls = "1m"
auth = "2m"
mail = "5m"
rcpt = "5m"
data = "2m"
body = "3m"
dot = "10m"
rset = 20
quit = 2

[limits]
recipients = 100
addresses = 5
sessions = 2
destinations = 10
message_size = "25MB"
rate = "500/h"

[spool]
dir = "${spool}"
fsync = true

[drop]
senders = "any"
messages = 1000
size = "64MB"

[runner]
linger = "1h"
sessions = 20
destination_sessions = 5
transactions = 100

[bounce]
size = "50K"
digest = 10

[sendmail]
lone_dot = "eof-only"
skip_empty = false
repeat_window = 0

[account.work]
url = "smtps://ann%40corp.example@mail.corp.example"
password_file = "/etc/posthaste/work.password"
sender = ["ann@corp.example", "*@*.corp.example"]
rate = "30/min"

[account.home]
url = "smtp+starttls://mail.example.com:587"
user = "ann@example.com"
password_command = "pass show mail/example.com"
auth = "SCRAM-SHA-256"
tls.level = "verify"

[account.backup]
url = "smtp://backup.example.com"
tls.fingerprints = ["${'ab'.repeat(32)}"]
timeouts = { connect = "10s" }

[[route]]
recipient = ["corp.example", "*.corp.example"]
via = ["account:work", "account:backup"]
from = "%u@corp.example"

[[route]]
recipient = "list@example.com"
sender = "<>"
via = "reject:no bounces here"

[[route]]
uid = [33, 1000]
recipient = "*.test"
via = "maildir:~/Maildir"

[[route]]
sender = ["alerts@*", "root@*"]
recipient = "müller.example"
via = ["smtp://mail.example.net", "mx"]
retry = ["30s", "5m"]
expire = "1d"

[[route]]
recipient = "*.invalid"
via = "discard"
proxy = "socks5://127.0.0.1:1080"
source_address = ["192.0.2.1"]
`;
