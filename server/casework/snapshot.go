package casework

import (
	"time"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// Snapshot is one case at one revision: everything that a gate may look at.
type Snapshot struct {
	Case       string // id of the root Task
	Revision   int64
	Now        time.Time
	Resources  []Resource  // current versions of all members, root and stage Tasks included
	Directory  []Resource  // PractitionerRole, Practitioner, Organization, VerificationResult, PlanDefinition… that members refer to
	Signatures []Signature // every signature over a member, oldest first
}

// Resource is one stored version.
type Resource struct {
	Type, ID string
	Version  int64
	Updated  time.Time
	Author   string   // principal that wrote this version
	Digest   [32]byte // SHA-256 of the stored bytes
	Root     tree.Node
	Blob     string // hex SHA-256 of the content of a Binary, or ""
}

// Ref is "Type/id".
func (r Resource) Ref() string { return r.Type + "/" + r.ID }

// Signature is one signature that $sign made; a Provenance carries it, and this
// row is what gates trust (a Provenance that a client wrote is no signature).
type Signature struct {
	Provenance string // id
	Target     string // "Type/id" of what was signed
	Version    int64  // of the target
	Digest     [32]byte
	Role       access.Role
	Purpose    string // code of urn:tenon:signature-purpose
	Stage      string // S10
	Signer     string // PractitionerRole/x, Patient/x
	Person     string // Practitioner/x behind it
	When       time.Time
	Outcome    string   // conform or nonconform, of a judgement; Refused: no signature, but the signed refusal to give it
	Conditions []string // conditions of the plan that the signer answers for (purpose waive)
}

// Refused is the outcome of a signature by which a person refuses, with the
// reason in its comment, what the plan asks that person to sign.
const Refused = "refused"

// Unmet is one condition that does not hold: what a person must do to go on.
type Unmet struct {
	Gate      string // G-CONFIRM, or "" for a guard of the stage
	Condition string // id of the condition in the plan
	State     State
	Clause    string // R001-…, clause of the standard
	Text      string
	Chinese   string
}

// State is the verdict on one condition (design law 5: no silent pass).
type State string

// NotEvaluated blocks like Unsatisfied unless the named role signs for it.
const (
	Satisfied    State = "met"
	Unsatisfied  State = "unmet"
	Pending      State = "pending"
	NotEvaluated State = "not-evaluated"
)

// Decision is what follows from a change to a case. Either Refusal is set (the
// change must not be committed), or Effects are to be committed with it.
type Decision struct {
	Refusal []Unmet
	Status  int // HTTP status of the refusal: 409 state, 422 unmet condition, 403 actor
	Effects []Effect
	// Grants is the whole access table of the case after the change.
	Grants []Grant
}

// Effect is one thing that the server does because of an allowed change.
type Effect struct {
	// Create or Update holds the whole resource as JSON without id (Create) or
	// with it (Update); the server writes it in the same unit.
	Create []byte
	Update []byte
	// Beside says that what is updated does not become part of the case.
	Beside bool
	// Message goes to the outbox: Sink and the resource it is about.
	Message *Message
}

// Message asks dispatch to send something when the unit is committed.
type Message struct {
	Sink string    // "mes"
	Kind string    // "job-order"
	Key  string    // idempotency key, stable for this effect
	Body []byte    // JSON
	Due  time.Time // not before; zero: at once
}

// Grant opens the case to one principal up to a level.
type Grant struct {
	Principal string
	Ceiling   access.Level
}
