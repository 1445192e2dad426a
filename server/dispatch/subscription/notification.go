package subscription

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// The kinds of notifications. http://hl7.org/fhir/subscription-notification-type
const (
	Handshake   = "handshake"
	Heartbeat   = "heartbeat"
	EventNews   = "event-notification"
	QueryStatus = "query-status"
	QueryEvent  = "query-event"
)

// Profiles of what is sent, of the backport for R4.
const (
	statusProfile       = backport + "backport-subscription-status-r4"
	notificationProfile = backport + "backport-subscription-notification-r4"
)

// Event is one event of one subscription. Numbers begin with 1 and have no gap.
type Event struct {
	Number  int64
	At      time.Time // when the version was made
	Type    string
	ID      string
	Version int64
	Change  Change
}

// Focus is an event as it is told: without Known only its number is.
type Focus struct {
	Event
	Known bool   // its resource may be named
	Body  []byte // of that version, nil where it is not sent
}

// Status is the state of a subscription.
type Status struct {
	ID     string
	Topic  string // "" without
	Status string // requested, active, error, off
	Reason string // of error and off
	Last   int64  // number of the newest event
}

// Parameters is the SubscriptionStatus as R4 has it.
// http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-status-r4
func (s *Status) Parameters(base, kind string, focus []Focus) []byte {
	var b bytes.Buffer
	b.WriteString(`{"resourceType":"Parameters","meta":{"profile":["` + statusProfile + `"]},"parameter":[{"name":"subscription","valueReference":{"reference":`)
	text(&b, base+"/Subscription/"+s.ID)
	b.WriteString(`}}`)
	if s.Topic != "" {
		b.WriteString(`,{"name":"topic","valueCanonical":`)
		text(&b, s.Topic)
		b.WriteByte('}')
	}
	b.WriteString(`,{"name":"status","valueCode":"` + s.Status + `"},{"name":"type","valueCode":"` + kind + `"}`)
	b.WriteString(`,{"name":"events-since-subscription-start","valueString":"` + strconv.FormatInt(s.Last, 10) + `"}`)
	for i := range focus {
		f := &focus[i]
		b.WriteString(`,{"name":"notification-event","part":[{"name":"event-number","valueString":"` + strconv.FormatInt(f.Number, 10) +
			`"},{"name":"timestamp","valueInstant":"` + instant(f.At) + `"}`)
		if f.Known {
			b.WriteString(`,{"name":"focus","valueReference":{"reference":`)
			text(&b, base+"/"+f.Type+"/"+f.ID)
			b.WriteString(`}}`)
		}
		b.WriteString(`]}`)
	}
	if s.Reason != "" {
		b.WriteString(`,{"name":"error","valueCodeableConcept":{"text":`)
		text(&b, s.Reason)
		b.WriteString(`}}`)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// Notification is the Bundle of a notification or of the answer to $events: the
// status first, then what the events are about. id is one of its own.
// http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription-notification-r4
func (s *Status) Notification(base, kind, id string, at time.Time, focus []Focus) []byte {
	var b bytes.Buffer
	b.WriteString(`{"resourceType":"Bundle","id":"` + id + `","meta":{"profile":["` + notificationProfile + `"]},"type":"history","timestamp":"` + instant(at) + `","entry":[{"fullUrl":"urn:uuid:` + id + `","resource":`)
	b.Write(s.Parameters(base, kind, focus))
	b.WriteString(`,"request":{"method":"GET","url":`)
	text(&b, base+"/Subscription/"+s.ID+"/$status")
	b.WriteString(`},"response":{"status":"200"}}`)
	for i := range focus {
		if focus[i].Known {
			focus[i].entry(&b, base)
		}
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// entry is the Bundle.entry of an event.
func (f *Focus) entry(b *bytes.Buffer, base string) {
	b.WriteString(`,{"fullUrl":`)
	text(b, base+"/"+f.Type+"/"+f.ID)
	if f.Body != nil {
		b.WriteString(`,"resource":`)
		b.Write(f.Body)
	}
	method, url, status := "PUT", f.Type+"/"+f.ID, "200"
	switch f.Change {
	case Create:
		method, url, status = "POST", f.Type, "201"
	case Delete:
		method, status = "DELETE", "204"
	}
	b.WriteString(`,"request":{"method":"` + method + `","url":`)
	text(b, url)
	b.WriteString(`},"response":{"status":"` + status + `"}}`)
}

// Found is the Bundle that $status answers with.
func Found(base string, all []Status) []byte {
	var b bytes.Buffer
	b.WriteString(`{"resourceType":"Bundle","type":"searchset","total":` + strconv.Itoa(len(all)))
	for i := range all {
		b.WriteString([]string{`,"entry":[`, `,`}[min(i, 1)])
		b.WriteString(`{"fullUrl":`)
		text(&b, base+"/Subscription/"+all[i].ID+"/$status")
		b.WriteString(`,"resource":`)
		b.Write(all[i].Parameters(base, QueryStatus, nil))
		b.WriteString(`,"search":{"mode":"match"}}`)
	}
	if len(all) > 0 {
		b.WriteByte(']')
	}
	b.WriteByte('}')
	return b.Bytes()
}

func instant(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

func text(b *bytes.Buffer, s string) {
	quoted, _ := json.Marshal(s) // a string always encodes
	b.Write(quoted)
}
