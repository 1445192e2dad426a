package grading

import (
	"fmt"
	"slices"
)

// Level is a confidentiality level, 1 (public) to 5 (strictly limited).
type Level uint8

func (l Level) String() string { return fmt.Sprintf("L%d", uint8(l)) }

// Result is a grade: small, comparable by its parts, and fit to be stored
// beside the version that it is of.
type Result struct {
	Level     Level    `json:"level"`
	Integrity uint8    `json:"integrity"`         // Q1–Q4
	Overlay   string   `json:"overlay,omitempty"` // "IMP" or "COR"
	Flags     []string `json:"flags,omitempty"`   // sorted
	// Categories are those of all elements, sorted (§1).
	Categories []string `json:"categories"`
	// Trail holds one step for each row that took part, in document order, and
	// one for each rule that raised the whole.
	Trail []Step `json:"trail"`
	Table string `json:"table"` // version
}

// Step is one reason for a grade.
type Step struct {
	Row       string `json:"row"`            // "G023", "default", or a rule: "U2"
	Path      string `json:"path,omitempty"` // where the row applied first
	Level     Level  `json:"level"`
	Integrity uint8  `json:"integrity,omitempty"`
}

// Special flags data of §3.1 S3 (special disease, genetics, minors).
const Special = "SPECIAL"

// Coding is a label as FHIR writes it.
type Coding struct {
	System string `json:"system"`
	Code   string `json:"code"`
}

// The systems of labels (§3.7).
const (
	LevelSystem           = "urn:tenon:data-level"
	IntegritySystem       = "urn:tenon:integrity"
	CategorySystem        = "urn:tenon:category"
	FlagSystem            = "urn:tenon:grading-flag"
	ConfidentialitySystem = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
)

// confidentiality gives the HL7 code of a level (§2.1).
var confidentiality = [...]string{1: "U", 2: "L", 3: "M", 4: "N", 5: "V"}

// Labels are the labels of a result for meta.security and meta.tag (§3.7).
func Labels(r Result) (security, tags []Coding) {
	if r.Level < 1 || int(r.Level) >= len(confidentiality) {
		r.Level = 5 // what was never graded is strictly limited
	}
	code := confidentiality[r.Level]
	if r.Level == 4 && slices.Contains(r.Flags, "BULK") {
		code = "R"
	}
	security = []Coding{{LevelSystem, r.Level.String()}}
	if r.Integrity > 0 {
		security = append(security, Coding{IntegritySystem, fmt.Sprintf("Q%d", r.Integrity)})
	}
	security = append(security, Coding{ConfidentialitySystem, code})
	for _, c := range r.Categories {
		tags = append(tags, Coding{CategorySystem, c})
	}
	for _, f := range r.Flags {
		tags = append(tags, Coding{FlagSystem, f})
	}
	if r.Overlay != "" {
		tags = append(tags, Coding{FlagSystem, r.Overlay})
	}
	return security, tags
}
