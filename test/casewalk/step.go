package casewalk

import (
	"fmt"
	"strings"
)

// Kind is what a step does.
type Kind string

const (
	Move    Kind = "move"    // PATCH a Task to a sub-state
	Put     Kind = "put"     // the same by PUT of the whole Task
	Judge   Kind = "judge"   // sign the Task of a predecessor
	Take    Kind = "take"    // sign the own Task
	Sign    Kind = "sign"    // sign a document
	Outdate Kind = "outdate" // sign a version that is not the current one
	Waive   Kind = "waive"   // sign the root for a condition
	Make    Kind = "make"    // write a part
	Name    Kind = "name"    // name a part in the Task
	Foreign Kind = "foreign" // name a document of another patient
	Edit    Kind = "edit"    // write a part anew
	Forge   Kind = "forge"   // POST a Task of a stage by hand
	Read    Kind = "read"    // read the case
	Use     Kind = "use"     // record a use of the device
	File    Kind = "file"    // file an exception
	Found   Kind = "found"   // report a fault of the device
	Revoke  Kind = "revoke"  // the patient withdraws the consent
	Bring   Kind = "bring"   // write the outputs of the open exception
	Agree   Kind = "agree"   // sign it
	Settle  Kind = "settle"  // end it
	Stands  Kind = "answer"  // production says that the machine stands
	Note    Kind = "note"    // acknowledge the news of a fault
	Demand  Kind = "demand"  // open a new case after this one
	Leave   Kind = "leave"   // somebody is away, another stands in
	Back    Kind = "back"    // and is back
	Join    Kind = "join"    // a new member comes into the team
	Counter Kind = "counter" // and reads what was open
	Die     Kind = "die"     // the patient dies
)

// Step is one request of one person, in words that hold in any case, so that a
// trace can be carried out again.
type Step struct {
	Kind    Kind
	Who     string
	Stage   string
	To      string // sub-state of a move
	Part    string // "S04/goal"
	Pred    string // stage that is judged
	Purpose string
	Role    string
	Defect  string
}

func (s Step) String() string {
	words := []string{fmt.Sprintf("%-10s %-7s %-4s", s.Who, s.Kind, s.Stage)}
	for _, w := range []struct{ name, value string }{{"to", s.To}, {"part", s.Part}, {"of", s.Pred}, {"purpose", s.Purpose}, {"as", s.Role}, {"with", s.Defect}} {
		if w.value != "" {
			words = append(words, w.name+" "+w.value)
		}
	}
	return strings.Join(words, " ")
}

// Verdict is what the model says of a step.
type Verdict struct {
	// Absent: the step has no object in this state; it is not sent.
	Absent bool
	// Open: the description is silent; the model follows the server.
	Open bool
	// Reasons to refuse; none: it must be allowed.
	Reasons []Reason
}

// Reason is one reason to refuse a step.
type Reason struct {
	Statuses []int
	Rule     string // of the issue, where the protocol names it
	Why      string
}

func (v *Verdict) refuse(why, rule string, statuses ...int) {
	v.Reasons = append(v.Reasons, Reason{statuses, rule, why})
}

// statuses are those that a refusal may have.
func (v *Verdict) statuses() map[int]bool {
	all := map[int]bool{}
	for _, r := range v.Reasons {
		for _, s := range r.Statuses {
			all[s] = true
		}
	}
	return all
}

func (v *Verdict) String() string {
	switch {
	case v.Absent:
		return "has no object"
	case len(v.Reasons) == 0 && v.Open:
		return "open"
	case len(v.Reasons) == 0:
		return "allowed"
	}
	var why []string
	for _, r := range v.Reasons {
		why = append(why, fmt.Sprintf("%s %v", r.Why, r.Statuses))
	}
	return "refused: " + strings.Join(why, "; ")
}
