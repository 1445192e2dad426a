package issue

import "strings"

// Outcome is a FHIR OperationOutcome, ready for encoding/json.
// https://hl7.org/fhir/R4/operationoutcome.html
type Outcome struct {
	ResourceType string         `json:"resourceType"`
	Issue        []OutcomeIssue `json:"issue"`
}

// OutcomeIssue is OperationOutcome.issue.
type OutcomeIssue struct {
	Severity    Severity `json:"severity"`
	Code        Type     `json:"code"`
	Details     *Details `json:"details,omitempty"`
	Diagnostics string   `json:"diagnostics,omitempty"`
	Expression  []string `json:"expression,omitempty"`
}

// Details is a CodeableConcept: the rule as a code, the text for a person.
type Details struct {
	Coding   []Coding     `json:"coding,omitempty"`
	Text     string       `json:"text,omitempty"`
	TextMore *Translation `json:"_text,omitempty"`
}

// Coding is a Coding.
type Coding struct {
	System string `json:"system"`
	Code   string `json:"code"`
}

// Translation carries the standard translation extension on a string.
// https://hl7.org/fhir/R4/extension-translation.html
type Translation struct {
	Extension []Part `json:"extension"`
}

// Part is an Extension with a code, a string, or parts.
type Part struct {
	URL         string `json:"url"`
	ValueCode   string `json:"valueCode,omitempty"`
	ValueString string `json:"valueString,omitempty"`
	Extension   []Part `json:"extension,omitempty"`
}

// Outcome renders the failure.
func (f *Failure) Outcome() Outcome { return OutcomeOf(f.Issues) }

// OutcomeOf renders issues.
func OutcomeOf(issues []Issue) Outcome {
	out := Outcome{ResourceType: "OperationOutcome", Issue: make([]OutcomeIssue, 0, len(issues))}
	for _, is := range issues {
		out.Issue = append(out.Issue, is.outcome())
	}
	return out
}

func (is Issue) outcome() OutcomeIssue {
	o := OutcomeIssue{Severity: is.Severity, Code: is.Type}
	if o.Severity == "" {
		o.Severity = Error
	}
	d := &Details{Text: is.Text}
	if is.Rule != "" {
		d.Coding = append(d.Coding, Coding{"urn:tenon:rule", is.Rule})
	}
	for _, row := range strings.Fields(is.Clause) { // a condition may answer several
		d.Coding = append(d.Coding, Coding{"urn:tenon:clause", row})
	}
	if is.Chinese != "" {
		d.TextMore = &Translation{[]Part{{
			URL:       "http://hl7.org/fhir/StructureDefinition/translation",
			Extension: []Part{{URL: "lang", ValueCode: "zh-CN"}, {URL: "content", ValueString: is.Chinese}},
		}}}
	}
	o.Details = d
	if is.Path != "" {
		o.Expression = []string{is.Path}
	}
	return o
}
