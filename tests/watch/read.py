"""Reads metrics (Prometheus' own client library) and a calendar (icalendar), and prints what it found.

One canonical JSON line: metrics by name and labels; events by day, with what they say. What those
libraries refuse ends it.
"""

import json
import sys

from icalendar import Calendar
from prometheus_client.parser import text_string_to_metric_families

with open(sys.argv[1], encoding="utf-8") as file:
    families = list(text_string_to_metric_families(file.read()))
metrics = {}
for family in families:
    assert family.type == "gauge" and family.documentation, family
    for sample in family.samples:
        name = " ".join([sample.name, *(sample.labels[label] for label in sorted(sample.labels))])
        assert name not in metrics, name
        metrics[name] = int(sample.value)

with open(sys.argv[2], "rb") as file:
    calendar = Calendar.from_ical(file.read())
assert calendar["VERSION"] == "2.0" and calendar["PRODID"], calendar
events = []
seen = set()
for event in calendar.walk("VEVENT"):
    assert not event.errors, event.errors
    uid = str(event["UID"])
    assert uid not in seen, uid
    seen.add(uid)
    assert event.walk("VALARM"), uid
    assert event["DTSTAMP"].dt.tzinfo is not None, uid
    events.append({"date": event["DTSTART"].dt.isoformat(), "summary": str(event["SUMMARY"]), "uid": uid})
events.sort(key=lambda event: (event["date"], event["uid"]))
metrics = [{"name": name, "value": value} for name, value in metrics.items()]
print(json.dumps({"events": events, "metrics": metrics}, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
