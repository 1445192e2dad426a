package casewalk

// Process is one plan as the description has it.
type Process struct {
	Plan   string // PlanDefinition/id
	Opener string // who applies it, and stays the first responsible
	// Settings are the parameters of $apply; nil: a case without a patient.
	Settings func(patient, number string) Arr
	Stages   []Stage
}

// Stage is one stage and everything that it asks for.
type Stage struct {
	Code  string
	Owner string // role that moves it
	// Also are roles that the server lets move it although the protocol's table
	// names the owner alone: open until that is decided.
	Also  []string
	After []string // stages to be completed before
	// Judges tells that the owner is a principal, who judges the stages before
	// and takes over by a signature.
	Judges     bool
	Gate       string // of the conditions of its completion
	Status     int    // of a refusal of this gate
	Parts      []Part
	Signatures []Signature
	Waivers    []Waiver
	Orders     []Order
	// WorkNeeds are parts that must exist before the work begins; WorkStatus is
	// the refusal.
	WorkNeeds  []string
	WorkStatus int
	// EndParts are parts of other stages that must be named before this one ends.
	// EndStages say the same of whole stages where the sources do not agree.
	EndParts, EndStages []string
	// Opens tells that its completion, with that of the others marked so, shows
	// the case to the manufacturer.
	Opens bool
}

// As says how a part belongs to its stage.
type As int

const (
	Output As = iota // named in Task.output
	Input            // named in Task.input
	Beside           // not named; it carries the case or points to a document
)

// Part is something that a stage brings.
type Part struct {
	Key      string // within the stage: "visit-2"
	Document string // code of urn:tenon:document; the key by default
	Type     string // of the resource
	By       string // who writes it: an id of the cast
	As       As
	Optional bool
	Free     bool     // it may be absent, but the straight way brings it
	Or       string   // key of a part that is enough instead
	Given    string   // a resource that is there already, "Device/cad"
	Edits    string   // it is a change of this part, "S04/goal"
	Needs    []string // parts that it refers to, "S04/goal"; "S13/delivery-list!": named already
	Sealed   bool     // never edited once its stage is completed
	File     bool     // a file goes with it
	Work     bool     // it is made while the stage is at work only
	Body     func(w *Writer) Obj
	Defects  []Defect
	// Last: it cannot be changed once it is written, so that its lack is tried
	// before; Rule and Clause are of the refusal, Decoys do not stand for it.
	Last   bool
	Rule   string
	Clause []string
	Decoys []Defect
	Wrong  []Wrong // what is there already too, but must not stand in its place
}

// Wrong is a resource of the sample data that is not fit for a part.
type Wrong struct {
	Ref, Rule string
	Clause    []string
}

// Defect is one fault of a document, which alone keeps a stage from ending.
type Defect struct {
	Name   string
	Rule   string   // id of the condition: "G-ORDER/order-for-patient"
	Also   []string // conditions that the same fault breaks as well
	Status int      // the stage's own if 0
	Clause []string // rows of the requirements that the source gives
	// Unfit: what it says opens a nonconformity of the device by itself.
	Unfit bool
	// Personal: it names somebody in the place of the attending clinician.
	Personal bool
	// AtDoor: the write itself is refused, so that the fault never gets as far.
	AtDoor bool
	// Owed says why the server does not yet refuse it.
	Owed  string
	Spoil func(o Obj)
}

// Signature is one that a stage asks for.
type Signature struct {
	Role, Purpose string
	Part          string // "S08/design-output"
	// Person signs alone where the role is not enough: the attending clinician.
	Person string
	// Other is the role whose person must be another one, on the same version.
	Other string
	Rule  string
}

// Waiver is the answer of a role for a condition that cannot be computed.
type Waiver struct {
	Condition, Role string
	Work            bool // needed before the work, else before the completion
	Status          int
}

// Order asks that a part was written after a signature.
type Order struct{ Part, Role, Purpose, Signed string }

func (p *Process) stage(code string) *Stage {
	for i := range p.Stages {
		if p.Stages[i].Code == code {
			return &p.Stages[i]
		}
	}
	return nil
}

// part finds "S04/goal".
func (p *Process) part(path string) (*Stage, *Part) {
	for i := range p.Stages {
		s := &p.Stages[i]
		for j := range s.Parts {
			if s.Code+"/"+s.Parts[j].Key == path {
				return s, &s.Parts[j]
			}
		}
	}
	return nil, nil
}

func (p *Part) document() string {
	if p.Document != "" {
		return p.Document
	}
	return p.Key
}
