"""Reads one message from standard input; prints what Python's email package sees in it, as JSON."""

import email
import email.policy
import email.utils
import io
import json
import sys


def group(message):
    return [[name, str(value)] for name, value in message.items()]


def parse(octets):
    """A header in UTF-8 (RFC 6532) is known to the parser of text alone."""
    if octets.partition(b"\r\n\r\n")[0].isascii():
        return email.message_from_binary_file(io.BytesIO(octets), policy=email.policy.default)
    return email.message_from_file(io.StringIO(octets.decode("utf-8"), newline=None), policy=email.policy.default)


def main():
    message = parse(sys.stdin.buffer.read())
    parts = message.get_payload()
    status = parts[1]
    groups = status.get_payload() if status.get_content_type() == "message/delivery-status" else []
    print(
        json.dumps(
            {
                "type": message.get_content_type(),
                "reportType": message.get_param("report-type"),
                "sender": email.utils.parseaddr(message["From"])[1],
                "to": [address.addr_spec for address in message["To"].addresses],
                "subject": message["Subject"],
                "date": message["Date"].datetime.timestamp(),
                "parts": [part.get_content_type() for part in parts],
                "text": parts[0].get_content(),
                "groups": [group(one) for one in groups],
                "defects": [repr(defect) for part in message.walk() for defect in part.defects],
            }
        )
    )


main()
