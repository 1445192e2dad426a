package audit

import (
	"encoding/xml"
	"strconv"
	"strings"

	"tenon/server/record"
)

// The parts of an audit message.
// https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_A.5.html
type (
	dicomCode struct {
		Code   string `xml:"csd-code,attr"`
		System string `xml:"codeSystemName,attr"`
		Text   string `xml:"originalText,attr"`
	}
	dicomMessage struct {
		XMLName xml.Name `xml:"AuditMessage"`
		Event   struct {
			Action  string      `xml:"EventActionCode,attr"`
			At      string      `xml:"EventDateTime,attr"`
			Outcome string      `xml:"EventOutcomeIndicator,attr"`
			ID      dicomCode   `xml:"EventID"`
			Types   []dicomCode `xml:"EventTypeCode"`
			Outcom  string      `xml:"EventOutcomeDescription,omitempty"`
			Purpose []dicomCode `xml:"PurposeOfUse"`
		} `xml:"EventIdentification"`
		People []dicomPerson `xml:"ActiveParticipant"`
		Source struct {
			Site string    `xml:"AuditEnterpriseSiteID,attr,omitempty"`
			ID   string    `xml:"AuditSourceID,attr"`
			Type dicomCode `xml:"AuditSourceTypeCode"`
		} `xml:"AuditSourceIdentification"`
		Objects []dicomObject `xml:"ParticipantObjectIdentification"`
	}
	dicomPerson struct {
		ID        string      `xml:"UserID,attr"`
		Requestor bool        `xml:"UserIsRequestor,attr"`
		Point     string      `xml:"NetworkAccessPointID,attr,omitempty"`
		PointType string      `xml:"NetworkAccessPointTypeCode,attr,omitempty"`
		Roles     []dicomCode `xml:"RoleIDCode"`
	}
	dicomObject struct {
		ID     string    `xml:"ParticipantObjectID,attr"`
		Type   string    `xml:"ParticipantObjectTypeCode,attr"`
		Role   string    `xml:"ParticipantObjectTypeCodeRole,attr,omitempty"`
		IDType dicomCode `xml:"ParticipantObjectIDTypeCode"`
		Query  string    `xml:"ParticipantObjectQuery,omitempty"`
	}
)

// MessageID is the MSGID of the messages, as IHE ITI-20 has it.
// https://profiles.ihe.net/ITI/TF/Volume2/ITI-20.html
const MessageID = "IHE+RFC-3881"

// DICOM renders an event as the audit message of DICOM PS3.15 A.5, which ITI-20
// sends by syslog. The event's own name, AuditEvent/17-3, is an object of it, so
// that a receiver knows one that came twice.
func DICOM(e *record.AuditEvent, s Source) (string, error) {
	c := ClassOf(&e.Audit)
	var m dicomMessage
	m.Event.Action, m.Event.At, m.Event.Outcome, m.Event.ID = c.Action, at(e.At), c.Outcome, dicomOf(c.Type)
	for _, t := range c.Subtypes {
		m.Event.Types = append(m.Event.Types, dicomOf(t))
	}
	if e.Outcome >= 400 {
		m.Event.Outcom = "HTTP " + strconv.Itoa(e.Outcome)
	}
	if e.Purpose != "" {
		m.Event.Purpose = []dicomCode{dicomOf(purposes(e.Purpose)[0].Coding[0])}
	}
	for _, a := range agents(e, c, s) {
		m.People = append(m.People, personOf(a))
	}
	m.Source.ID, m.Source.Site, m.Source.Type = s.URL, s.host(), dicomCode{"4", "DCM", "Application Server"}
	for _, x := range entities(e, c) {
		m.Objects = append(m.Objects, objectOf(x, e))
	}
	m.Objects = append(m.Objects, dicomObject{ID: "AuditEvent/" + e.ID(), Type: "2", Role: "13", IDType: dicomCode{"12", "RFC-3881", "URI"}})
	out, err := xml.Marshal(&m)
	return string(out), err
}

func dicomOf(c Coding) dicomCode {
	text := c.Display
	if text == "" {
		text = c.Code
	}
	system := c.System
	if system == systemDCM {
		system = "DCM"
	}
	return dicomCode{c.Code, system, text}
}

func personOf(a agent) dicomPerson {
	p := dicomPerson{ID: a.Who.Reference, Requestor: a.Requestor}
	if a.Who.Identifier != nil {
		p.ID = a.Who.Identifier.Value
	}
	if p.ID == "" {
		p.ID = a.Who.Display
	}
	if a.Network != nil {
		p.Point, p.PointType = a.Network.Address, a.Network.Type
	}
	if a.Type != nil {
		p.Roles = []dicomCode{dicomOf(a.Type.Coding[0])}
	}
	return p
}

func objectOf(x entity, e *record.AuditEvent) dicomObject {
	o := dicomObject{Type: "2", Role: "4", IDType: dicomCode{"12", "RFC-3881", "URI"}, Query: x.Query}
	switch {
	case x.Query != "":
		o.ID, o.IDType = strings.SplitN(e.Entity, "?", 2)[0], dicomCode{"10", "RFC-3881", "Search Criteria"}
	case x.What.Identifier != nil:
		o.ID = x.What.Identifier.Value
	default:
		o.ID = x.What.Reference
	}
	if o.ID == "" {
		o.ID = "query"
	}
	if x.Role != nil {
		o.Role = x.Role.Code
	}
	if x.Type.Code == "1" {
		o.Type, o.IDType = "1", dicomCode{"2", "RFC-3881", "Patient Number"}
	}
	if x.Type.Code == "XrequestId" {
		o.Role, o.IDType = "26", dicomCode{"12", "RFC-3881", "X-Request-Id"}
	}
	return o
}
