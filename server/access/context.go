package access

import "slices"

// Kind tells what sort of principal asks.
type Kind uint8

// The zero Kind is Nobody, who reaches nothing.
const (
	Nobody   Kind = iota
	Person        // a PractitionerRole
	Patient       // a Patient or RelatedPerson
	System        // a machine that acts for an organisation, such as an MES
	Operator      // --dev and the command line: reads and imports, never signs or passes a gate
	Server        // Tenon itself, for the effects of what others did
)

// Side is the party of an organisation.
type Side uint8

// Sides of a case (医 and 工).
const (
	NoSide Side = iota
	Hospital
	Manufacturer
)

// Role is a role of mission/stages.md §1.1, code system urn:tenon:role.
type Role string

// The roles of the process.
const (
	CLIN  Role = "CLIN"  // attending clinician
	AGENT Role = "AGENT" // clinician's agent: receives, never accepts
	PAT   Role = "PAT"   // patient or legal representative
	HOSP  Role = "HOSP"  // hospital's authorised signatory
	IMG   Role = "IMG"   // imaging operator
	MFR   Role = "MFR"   // manufacturer's contact and signatory
	DES   Role = "DES"   // designer
	REV   Role = "REV"   // reviewer, graded above the designer
	PROD  Role = "PROD"  // production manager
	QA    Role = "QA"    // quality staff of the manufacturer
	DBA   Role = "DBA"   // data custodian
	LOG   Role = "LOG"   // logistics
	LAB   Role = "LAB"   // third-party laboratory
	ETH   Role = "ETH"   // ethics committee, reads
	REG   Role = "REG"   // regulator, reads
	MES   Role = "MES"   // the manufacturer's MES, a machine
	ADMIN Role = "ADMIN" // platform administrator
	SEC   Role = "SEC"   // security administrator: reviews emergency access, reads no record
	AUD   Role = "AUD"   // audit administrator: reads the audit, reads no record
)

// Context is what is known of the caller of one request. It is immutable once a
// door has made it; a nil *Context reaches nothing.
type Context struct {
	Tenant       string // the owning hospital; "main" where there is one
	Kind         Kind
	Principal    string // "PractitionerRole/x", "Patient/x", "RelatedPerson/x", "Device/x", "operator", "server"
	Person       string // "Practitioner/x" behind a PractitionerRole; two roles of one person are one person
	Organization string // "Organization/x"
	Side         Side
	Roles        []Role
	RequestID    string
	// Address is that of the client in the network, "" where there is none.
	Address string
	// Session names the token of the request, so that what outlives the request
	// ends with it; "" where there is none.
	Session string
	// Scopes limit what an app does in the name of the principal; nil where no
	// app is between.
	Scopes *Scopes
	// Due is what the person must show before a privileged act; nil: nothing is
	// asked, or it was shown.
	Due *Challenge
	// Purpose is what the request says it is for (v3-PurposeOfUse), "" for the
	// usual; PurposeEmergency is the only other.
	Purpose string
	// Emergency are the patients, "Patient/x", whose record the caller may read
	// for a while though no other rule lets him.
	Emergency []string
	// Consents are the forms in which patients withhold data; nil: none is known,
	// and what any of them may withhold is withheld.
	Consents *Consents
}

// PurposeEmergency is break-glass, https://terminology.hl7.org/CodeSystem-v3-ActReason.html
const PurposeEmergency = "BTG"

// Has tells whether the caller holds the role. Administrators of the platform, its
// security and its audit do not administer through an app.
func (c *Context) Has(r Role) bool {
	return c != nil && slices.Contains(c.Roles, r) && (c.Scopes == nil || r != ADMIN && r != SEC && r != AUD)
}

// CanSign tells whether the caller is a natural person who can put a signature:
// never an operator, a machine or the server.
func (c *Context) CanSign() bool { return c != nil && (c.Kind == Person || c.Kind == Patient) }

// Level is a confidentiality level of mission/grading.md §2.1, 1 to 5.
type Level uint8
