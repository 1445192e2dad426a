package casework

import (
	"slices"

	"tenon/fhir/fhirpath"
	"tenon/server/access"
)

// Plan is a compiled PlanDefinition: the process that a case runs on.
// https://hl7.org/fhir/R4/plandefinition.html
type Plan struct {
	URL, Version   string
	Title, Chinese string
	Stages         []*Stage // in the order of the plan
	Gates          []Gate
	Roles          []RoleRule
	Settings       []Setting
	Retention      *RetentionRule // nil: for good
	Exceptions     Exceptions
}

// Canonical is "url|version", what a case pins.
func (p *Plan) Canonical() string { return p.URL + "|" + p.Version }

// Stage is one action of the plan and becomes one Task in a case.
type Stage struct {
	Code           string // S10
	Title, Chinese string
	Owner          access.Role   // whose task it is
	Roles          []access.Role // who may move it
	After          []string      // stages that must be completed before
	ReturnTo       string        // stage that is done anew when this one is rejected or fails; "" if it cannot
	Named          bool          // who acts or signs must be named in the agreement
	Days           int           // until it is due
	Activity       string        // canonical of its ActivityDefinition, or ""
	Form           string        // canonical of its Questionnaire, or ""
	Clauses        []string
	Inputs         []Document
	Outputs        []Document
	Signatures     []SignatureRule
	Conditions     []Condition
}

// Document is an input or output that a stage takes or makes.
type Document struct {
	Code   string   // of urn:tenon:document
	Types  []string // resource types that can carry it
	Min    int
	Sealed bool   // not to be changed once the stage is completed
	Own    bool   // to be changed by the roles of the stage alone
	Hazard string // FHIRPath: what in it is a problem of the device by itself, or ""
	hazard *fhirpath.Expr
	// Profiles of the guide that it must follow, by its resource type.
	Profiles map[string][]string
}

// SignatureRule says who signs what to complete a stage.
type SignatureRule struct {
	ID            string
	Roles         []access.Role // any one of them
	Purpose       string
	Document      string
	Stage         string // whose output the document is
	Optional      bool   // nothing to sign if the document is absent
	Gate          string
	Clauses       []string
	Text, Chinese string
}

// Kind tells when a condition is judged.
type Kind string

// A start condition guards accepted → working, a stop condition completion.
const (
	Start Kind = "start"
	Stop  Kind = "stop"
)

// Condition is one row of a gate.
type Condition struct {
	ID            string
	Gate          string // "" for a condition of the stage alone
	Kind          Kind
	Clauses       []string
	Text, Chinese string
	Floor         bool        // a hospital's own plan may not drop it
	Waiver        access.Role // who may sign for it when it is not evaluated, or ""
	Job           bool        // its fact comes from a job: empty is pending
	Source        string      // the FHIRPath expression
	expr          *fhirpath.Expr
}

// Gate is a named set of conditions.
type Gate struct {
	Code          string // G-CONFIRM
	Status        int    // HTTP status of its refusal
	Text, Chinese string
}

// RoleRule says what a role needs.
type RoleRule struct {
	Role           access.Role
	Principal      bool     // one of the principals who judge and accept (8.2.2, 9.2)
	Qualifications []string // codes of urn:tenon:qualification, all of them
	Clause         string
}

// Setting is a figure that the parties must fix when a case is opened.
type Setting struct {
	Code, Type    string // Type: integer, duration
	Anew          bool   // a case of a new demand does not take it over
	Clause        string
	Text, Chinese string
}

// Stage returns the stage of that code, or nil.
func (p *Plan) Stage(code string) *Stage {
	for _, s := range p.Stages {
		if s.Code == code {
			return s
		}
	}
	return nil
}

// Role returns the rule of a role; nil if the plan does not know the role.
func (p *Plan) Role(role access.Role) *RoleRule {
	for i := range p.Roles {
		if p.Roles[i].Role == role {
			return &p.Roles[i]
		}
	}
	return nil
}

// Gate returns the gate of that code, or nil.
func (p *Plan) Gate(code string) *Gate {
	for i := range p.Gates {
		if p.Gates[i].Code == code {
			return &p.Gates[i]
		}
	}
	return nil
}

// Condition finds a condition and its stage by id.
func (p *Plan) Condition(id string) (*Stage, *Condition) {
	for _, s := range p.Stages {
		for i := range s.Conditions {
			if s.Conditions[i].ID == id {
				return s, &s.Conditions[i]
			}
		}
	}
	return nil, nil
}

// principal tells whether the stage belongs to one of the principals, who judge
// what they take over.
func (p *Plan) principal(s *Stage) bool {
	r := p.Role(s.Owner)
	return r != nil && r.Principal && len(s.After) > 0
}

// principals are the roles of the stage that may judge and accept for it.
func (p *Plan) principals(s *Stage) []access.Role {
	return slices.DeleteFunc(slices.Clone(s.Roles), func(role access.Role) bool {
		r := p.Role(role)
		return r == nil || !r.Principal
	})
}

// output is the rule of an output document, or nil.
func (s *Stage) output(code string) *Document {
	i := slices.IndexFunc(s.Outputs, func(d Document) bool { return d.Code == code })
	if i < 0 {
		return nil
	}
	return &s.Outputs[i]
}
