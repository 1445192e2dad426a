package audit

import (
	"strings"

	"tenon/server/record"
)

// Coding is a code of a system.
type Coding struct {
	System  string `json:"system,omitempty"`
	Code    string `json:"code"`
	Display string `json:"display,omitempty"`
}

// Systems of codes.
const (
	systemDCM         = "http://dicom.nema.org/resources/ontology/DCM"
	systemType        = "http://terminology.hl7.org/CodeSystem/audit-event-type"
	systemInteraction = "http://hl7.org/fhir/restful-interaction"
	systemLifecycle   = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
	systemReason      = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	systemParticipant = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	systemEntity      = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	systemRole        = "http://terminology.hl7.org/CodeSystem/object-role"
	systemOutcome     = "http://terminology.hl7.org/CodeSystem/audit-event-outcome"
	systemOperation   = "urn:tenon:operation"
	balp              = "https://profiles.ihe.net/ITI/BALP/"
)

var (
	typeRest           = Coding{systemType, "rest", "RESTful Operation"}
	typeExport         = Coding{systemDCM, "110106", "Export"}
	typeAuthentication = Coding{systemDCM, "110114", "User Authentication"}
	typeSecurity       = Coding{systemDCM, "110113", "Security Alert"}
	typeApplication    = Coding{systemDCM, "110100", "Application Activity"}
	typeQuery          = Coding{systemDCM, "110112", "Query"}
	typeAccessed       = Coding{systemDCM, "110103", "DICOM Instances Accessed"}
	typeTransferred    = Coding{systemDCM, "110104", "DICOM Instances Transferred"}
	typeNetwork        = Coding{systemDCM, "110108", "Network Entry"}
	disclose           = Coding{systemLifecycle, "disclose", "Disclose Record Lifecycle Event"}
)

// shape is how an event is built: which agents and entities it has.
type shape uint8

const (
	plain  shape = iota // one resource
	query               // a search
	token               // ITI-71
	export              // data left the server
)

// Class is what an event is.
type Class struct {
	Type     Coding
	Subtypes []Coding
	Action   string // C R U D E
	Outcome  string // 0 4 8
	profile  string // of BALP, without its Patient… form; "" for none
	shape    shape
}

// interactions are operations that FHIR names.
var interactions = map[string]string{
	"read": "read", "vread": "vread", "search-type": "search-type", "create": "create", "update": "update", "patch": "patch", "delete": "delete",
	"history": "history", "history-type": "history-type", "history-system": "history-system", "history-instance": "history-instance", "transaction": "transaction", "batch": "batch",
}

// disclosures are operations by which data of patients leaves as a file.
var disclosures = map[string]bool{"export": true, "dossier": true, "c-move": true, "c-store-send": true, "stow-send": true}

// security has the types of what is no interaction of FHIR, by operation.
var security = map[string]Class{
	"sign-in":             {Type: typeAuthentication, Subtypes: []Coding{{systemDCM, "110122", "Login"}}},
	"sign-out":            {Type: typeAuthentication, Subtypes: []Coding{{systemDCM, "110123", "Logout"}}},
	"second-factor":       {Type: typeAuthentication, Subtypes: []Coding{{systemDCM, "110122", "Login"}}},
	"token":               {Type: typeAuthentication, Subtypes: []Coding{{"urn:ihe:event-type-code", "ITI-71", "Get Access Token"}}, shape: token},
	"refresh":             {Type: typeAuthentication, Subtypes: []Coding{{"urn:ihe:event-type-code", "ITI-71", "Get Access Token"}}, shape: token},
	"enrol-second-factor": {Type: typeSecurity, Subtypes: []Coding{{systemDCM, "110137", "User Security Attributes Changed"}}},
	"enrol-passkey":       {Type: typeSecurity, Subtypes: []Coding{{systemDCM, "110137", "User Security Attributes Changed"}}},
	"remove-passkey":      {Type: typeSecurity, Subtypes: []Coding{{systemDCM, "110137", "User Security Attributes Changed"}}},
	"accept-invitation":   {Type: typeSecurity, Subtypes: []Coding{{systemDCM, "110137", "User Security Attributes Changed"}}},
	"remove-person":       {Type: typeSecurity, Subtypes: []Coding{{systemDCM, "110137", "User Security Attributes Changed"}}},
	"register-app":        {Type: typeSecurity, Subtypes: []Coding{{systemDCM, "110131", "Software Configuration"}}},
	"approve-app":         {Type: typeSecurity, Subtypes: []Coding{{systemDCM, "110131", "Software Configuration"}}},
	"rotate-keys":         {Type: typeSecurity, Subtypes: []Coding{{systemDCM, "110129", "Security Configuration"}}},
	"launch":              {Type: typeApplication},
	"break-glass":         {Type: typeSecurity, Subtypes: []Coding{{systemDCM, "110127", "Emergency Override Started"}}},
	"dimse-associate":     {Type: typeNetwork},
	"quarantine-list":     {Type: typeQuery, shape: query},
	"qido":                {Type: typeQuery, shape: query},
	"c-find":              {Type: typeQuery, shape: query},
	"workitem-search":     {Type: typeQuery, shape: query},
	"stow":                {Type: typeTransferred},
	"c-store":             {Type: typeTransferred},
}

// ClassOf tells what a row is about.
func ClassOf(a *record.Audit) Class {
	c := Class{Action: a.Action, Outcome: "0", Type: typeRest}
	switch {
	case a.Outcome >= 500:
		c.Outcome = "8"
	case a.Outcome >= 400:
		c.Outcome = "4"
	}
	if s, ok := security[a.Operation]; ok {
		c.Type, c.Subtypes, c.shape = s.Type, s.Subtypes, s.shape
		if c.shape != token {
			c.Subtypes = append(c.Subtypes[:len(c.Subtypes):len(c.Subtypes)], ours(a))
		}
		return c
	}
	switch {
	case disclosures[a.Operation]:
		c.Type, c.Subtypes, c.Action, c.profile, c.shape = typeExport, []Coding{disclose, ours(a)}, "R", "PrivacyDisclosure.Source", export
	case a.Door == "oauth":
		c.Type, c.Subtypes = typeSecurity, []Coding{ours(a)}
	case a.Door == "cli":
		c.Type, c.Subtypes = typeApplication, []Coding{ours(a)}
	case a.Door == "dicomweb" || a.Door == "dimse":
		c.Type, c.Subtypes = typeAccessed, []Coding{ours(a)}
	default:
		c.rest(a)
	}
	if c.Outcome != "0" {
		c.profile = ""
	}
	return c
}

// rest is an interaction of FHIR: what a write did tells its action, the way that
// it came (a transaction, a signature) stands beside.
func (c *Class) rest(a *record.Audit) {
	name, known := interactions[a.Operation]
	first := ""
	switch a.Action {
	case "C":
		first, c.profile = "create", "Create"
	case "U":
		first, c.profile = "update", "Update"
		if name == "patch" {
			first = "patch"
		}
	case "D":
		first, c.profile = "delete", "Delete"
	default:
		switch name {
		case "read", "vread":
			c.profile = "Read"
		case "search-type":
			c.profile, c.shape = "Query", query
			if strings.HasPrefix(a.Entity, "?") || a.Entity == "" {
				name = "search-system"
			}
		}
	}
	if first != "" {
		c.Subtypes = append(c.Subtypes, Coding{System: systemInteraction, Code: first, Display: first})
	}
	switch {
	case known && name != first:
		c.Subtypes = append(c.Subtypes, Coding{System: systemInteraction, Code: name, Display: name})
	case !known:
		if first == "" {
			c.Subtypes = append(c.Subtypes, Coding{System: systemInteraction, Code: "operation", Display: "operation"})
			if a.Action == "E" && strings.ContainsAny(a.Entity, "?$") {
				c.shape = query
			}
		}
		c.Subtypes = append(c.Subtypes, ours(a))
	}
}

func ours(a *record.Audit) Coding {
	return Coding{System: systemOperation, Code: a.Operation, Display: a.Operation}
}
