package audit

import (
	"encoding/base64"
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tenon/server/access"
	"tenon/server/record"
)

// Source is the server that tells.
type Source struct {
	URL  string // of its FHIR door
	Name string // of the product
}

// host is the server in the network.
func (s Source) host() string {
	if u, err := url.Parse(s.URL); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return s.URL
}

// The parts of an AuditEvent. https://hl7.org/fhir/R4/auditevent.html
type (
	event struct {
		ResourceType   string    `json:"resourceType"`
		ID             string    `json:"id"`
		Meta           meta      `json:"meta"`
		Type           Coding    `json:"type"`
		Subtype        []Coding  `json:"subtype,omitempty"`
		Action         string    `json:"action"`
		Period         period    `json:"period"`
		Recorded       string    `json:"recorded"`
		Outcome        string    `json:"outcome"`
		OutcomeDesc    string    `json:"outcomeDesc,omitempty"`
		PurposeOfEvent []concept `json:"purposeOfEvent,omitempty"`
		Agent          []agent   `json:"agent"`
		Source         source    `json:"source"`
		Entity         []entity  `json:"entity,omitempty"`
	}
	meta struct {
		LastUpdated string   `json:"lastUpdated"`
		Profile     []string `json:"profile,omitempty"`
	}
	period  struct{ Start, End string }
	concept struct {
		Coding []Coding `json:"coding"`
	}
	identifier struct {
		System string `json:"system,omitempty"`
		Value  string `json:"value"`
	}
	reference struct {
		Reference  string      `json:"reference,omitempty"`
		Identifier *identifier `json:"identifier,omitempty"`
		Display    string      `json:"display,omitempty"`
	}
	extension struct {
		URL   string `json:"url"`
		Value string `json:"valueCode"`
	}
	network struct {
		Extension []extension `json:"extension,omitempty"`
		Address   string      `json:"address,omitempty"`
		Type      string      `json:"type,omitempty"`
	}
	agent struct {
		Type         *concept  `json:"type,omitempty"`
		Who          reference `json:"who"`
		Requestor    bool      `json:"requestor"`
		Network      *network  `json:"network,omitempty"`
		PurposeOfUse []concept `json:"purposeOfUse,omitempty"`
	}
	source struct {
		Site     string    `json:"site"`
		Observer reference `json:"observer"`
		Type     []Coding  `json:"type"`
	}
	entity struct {
		What        *reference `json:"what,omitempty"`
		Type        *Coding    `json:"type,omitempty"`
		Role        *Coding    `json:"role,omitempty"`
		Description string     `json:"description,omitempty"`
		Query       string     `json:"query,omitempty"`
	}
)

// MarshalJSON writes the names of FHIR.
func (p period) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"start": p.Start, "end": p.End})
}

const instant = "2006-01-02T15:04:05.000000Z"

func at(t time.Time) string { return t.UTC().Format(instant) }

// FHIR renders an event as an AuditEvent in JSON.
func FHIR(e *record.AuditEvent, s Source) ([]byte, error) {
	c := ClassOf(&e.Audit)
	x := event{
		ResourceType: "AuditEvent", ID: e.ID(), Meta: meta{LastUpdated: at(e.Recorded)}, Type: c.Type, Subtype: c.Subtypes, Action: c.Action,
		Period: period{at(e.At), at(e.At)}, Recorded: at(e.Recorded), Outcome: c.Outcome,
		Source: source{Site: s.host(), Observer: s.who(), Type: []Coding{{"http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server"}}},
	}
	if e.Outcome >= 400 {
		x.OutcomeDesc = "HTTP " + strconv.Itoa(e.Outcome)
	}
	if e.Purpose != "" {
		x.PurposeOfEvent = purposes(e.Purpose)
	}
	x.Agent, x.Entity = agents(e, c, s), entities(e, c)
	if name := profileOf(e, c); name != "" {
		x.Meta.Profile = []string{balp + "StructureDefinition/IHE.BasicAudit." + name}
	}
	return json.Marshal(x)
}

// profileOf is the pattern that the event follows, in its form for a patient
// where it is about one.
func profileOf(e *record.AuditEvent, c Class) string {
	switch {
	case c.shape == export && !isPatient(e.Patient):
		return "" // the export as a whole: each patient has an event of its own
	case c.profile == "" || c.shape == export || !isPatient(e.Patient):
		return c.profile
	}
	return "Patient" + c.profile
}

func isPatient(ref string) bool { return strings.HasPrefix(ref, "Patient/") }

func purposes(code string) []concept {
	display := ""
	if code == "BTG" {
		display = "break the glass"
	}
	return []concept{{[]Coding{{systemReason, code, display}}}}
}

func (s Source) who() reference {
	return reference{Identifier: &identifier{"urn:ietf:rfc:3986", s.URL}, Display: s.Name}
}

// people are principals who are people; the others are machines.
var people = []string{"PractitionerRole", "Practitioner", "Patient", "RelatedPerson", "Person"}

func isPerson(principal string) bool {
	typ, _, ok := strings.Cut(principal, "/")
	return ok && slices.Contains(people, typ) || principal == "operator"
}

func whoIs(principal string) reference {
	if typ, _, ok := strings.Cut(principal, "/"); ok && typ != "" && typ[0] >= 'A' && typ[0] <= 'Z' {
		return reference{Reference: principal}
	}
	return reference{Identifier: &identifier{"urn:tenon:principal", principal}, Display: principal}
}

func typed(system, code, display string) *concept {
	return &concept{[]Coding{{system, code, display}}}
}

// rolesOf are the types of client and server, by which way the data went.
func rolesOf(c Class) (client, server *concept) {
	from, to := typed(systemDCM, "110153", "Source Role ID"), typed(systemDCM, "110152", "Destination Role ID")
	switch {
	case c.shape == token:
		return typed(systemDCM, "110150", "Application"), typed(balp+"CodeSystem/UserAgentTypes", "AuthzOauthService", "OAuth Authorization Server")
	case c.Action == "D":
		return typed(systemDCM, "110150", "Application"), typed("http://terminology.hl7.org/CodeSystem/provenance-participant-type", "custodian", "Custodian")
	case c.Action == "R":
		return to, from
	}
	return from, to
}

func agents(e *record.AuditEvent, c Class, s Source) []agent {
	person := isPerson(e.Principal)
	client := agent{Who: clientOf(e, person), Requestor: !person, Network: networkOf(e.Address)}
	server := agent{Who: s.who(), Network: networkOf(s.host())}
	client.Type, server.Type = rolesOf(c)
	all := []agent{client, server}
	if person {
		user := agent{Type: typed(systemParticipant, "IRCP", "information recipient"), Who: whoIs(e.Principal), Requestor: true}
		if c.Action == "C" || c.Action == "U" || c.Action == "D" {
			user.Type = typed(systemParticipant, "AUT", "author (originator)")
		}
		if e.Purpose != "" {
			user.PurposeOfUse = purposes(e.Purpose)
		}
		all = append(all, user)
	}
	if org := House(&e.Audit); org != "" && org != e.Principal && c.shape != token {
		all = append(all, agent{Who: reference{Reference: org}})
	}
	return all
}

// House is the organisation that somebody acted for, "" where the row names none:
// what is filed for the security administrators names them, not the author's house.
func House(a *record.Audit) string {
	if access.IsSecurity(a.Organization) {
		return ""
	}
	return a.Organization
}

// clientOf is the app or machine that asked.
func clientOf(e *record.AuditEvent, person bool) reference {
	switch {
	case e.App != "":
		return reference{Identifier: &identifier{"urn:tenon:app", e.App}, Display: e.App}
	case strings.HasPrefix(e.Entity, "app/"):
		return reference{Identifier: &identifier{"urn:tenon:app", strings.TrimPrefix(e.Entity, "app/")}}
	case !person && e.Principal != "":
		return whoIs(e.Principal)
	case e.Address != "":
		return reference{Display: e.Address}
	}
	return reference{Display: "unknown"}
}

// networkOf is an access point; https://hl7.org/fhir/R4/valueset-network-type.html
func networkOf(address string) *network {
	switch {
	case address == "":
		return &network{Extension: []extension{{"http://hl7.org/fhir/StructureDefinition/data-absent-reason", "unknown"}}}
	case net.ParseIP(address) != nil:
		return &network{Address: address, Type: "2"}
	}
	return &network{Address: address, Type: "1"}
}

func entities(e *record.AuditEvent, c Class) []entity {
	object := Coding{systemEntity, "2", "System Object"}
	text := e.Entity
	if text == "" {
		text = "?" // nothing was said, and that is what was asked
	}
	asked := entity{Type: &object, Role: &Coding{systemRole, "24", "Query"}, Query: base64.StdEncoding.EncodeToString([]byte(text)), Description: text}
	if c.shape == token {
		return []entity{asked}
	}
	var all []entity
	switch {
	case c.shape == query:
		all = append(all, asked)
	case e.Entity != "":
		all = append(all, entity{What: whatIs(e.Entity), Type: &object, Role: &Coding{systemRole, "4", "Domain Resource"}})
	}
	if isPatient(e.Patient) {
		all = append(all, entity{What: &reference{Reference: e.Patient}, Type: &Coding{systemEntity, "1", "Person"}, Role: &Coding{systemRole, "1", "Patient"}})
	}
	if e.Case != "" {
		all = append(all, entity{What: &reference{Reference: "Task/" + e.Case}, Type: &Coding{"http://hl7.org/fhir/resource-types", "Task", "Task"}, Role: &Coding{systemRole, "20", "Job"}})
	}
	if e.RequestID != "" {
		all = append(all, entity{What: &reference{Identifier: &identifier{Value: e.RequestID}}, Type: &Coding{System: balp + "CodeSystem/BasicAuditEntityType", Code: "XrequestId"}})
	}
	return all
}

// whatIs is a reference where the text is one, else an identifier.
func whatIs(text string) *reference {
	if Reference(text) {
		return &reference{Reference: text}
	}
	return &reference{Identifier: &identifier{"urn:tenon:entity", text}, Display: text}
}

// Reference tells whether the text of an entity is Type/id or one of its versions.
func Reference(text string) bool {
	parts := strings.Split(text, "/")
	if len(parts) != 2 && (len(parts) != 4 || parts[2] != "_history") {
		return false
	}
	for i, p := range parts {
		if p == "" || i > 0 && strings.Trim(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") != "" {
			return false
		}
	}
	return parts[0][0] >= 'A' && parts[0][0] <= 'Z' && strings.IndexFunc(parts[0], func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0
}
