package demo

import (
	"encoding/json"
	"fmt"
	"strings"
)

// problem is one issue of a refusal, whichever door it came from.
type problem struct {
	rule, element, text, chinese, clause string
}

// problems reads the OperationOutcome of the FHIR and the MES door, the
// application/problem+json of DICOMweb, and the failures in an answer to STOW-RS.
func (a *answer) problems() []problem {
	var o struct {
		Issue []struct {
			Details struct {
				Text   string                          `json:"text"`
				Coding []struct{ System, Code string } `json:"coding"`
				More   struct {
					Extension []struct {
						Extension []struct{ URL, ValueString string } `json:"extension"`
					} `json:"extension"`
				} `json:"_text"`
			} `json:"details"`
			Expression []string `json:"expression"`
		} `json:"issue"`
		Issues []struct{ Rule, Path, Text, TextChinese, Clause string } `json:"issues"`
	}
	if json.Unmarshal(a.body, &o) != nil {
		return nil
	}
	var all []problem
	for _, is := range o.Issue {
		p := problem{text: is.Details.Text, element: strings.Join(is.Expression, ", ")}
		for _, c := range is.Details.Coding {
			switch c.System {
			case tenon + "rule":
				p.rule = c.Code
			case tenon + "clause":
				p.clause = c.Code
			}
		}
		for _, e := range is.Details.More.Extension {
			for _, part := range e.Extension {
				p.chinese += part.ValueString
			}
		}
		all = append(all, p)
	}
	for _, is := range o.Issues {
		all = append(all, problem{is.Rule, is.Path, is.Text, is.TextChinese, is.Clause})
	}
	return append(all, a.failures()...)
}

// failures are the refused instances in an answer to STOW-RS: Failure Reason
// (0008,1197) and the Error Comment (0000,0902) that Tenon adds.
func (a *answer) failures() []problem {
	var all []problem
	o := obj{}
	if json.Unmarshal(a.body, &o) != nil {
		return nil
	}
	for _, sequence := range []string{"00081198", "0008119A"} {
		for _, item := range dicomItems(o, sequence) {
			p := problem{rule: "00081197=" + fmt.Sprint(dicomFirst(item, "00081197"))}
			for _, attributes := range dicomItems(item, "00741048") {
				p.text = fmt.Sprint(dicomFirst(attributes, "00000902"))
			}
			all = append(all, p)
		}
	}
	return all
}

// told is the body for a person: the issues, or the bytes.
func (a *answer) told() string {
	problems := a.problems()
	if len(problems) == 0 {
		return string(a.body)
	}
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "  %s\n", p)
	}
	return b.String()
}

func (p problem) String() string {
	s := p.rule
	if p.element != "" {
		s += " [" + p.element + "]"
	}
	return s + " " + p.text
}

// dicomItems are the items of a sequence in the DICOM JSON model.
func dicomItems(o obj, tag string) []obj {
	var items []obj
	attribute, _ := o[tag].(obj)
	values, _ := attribute["Value"].(arr)
	for _, v := range values {
		if item, ok := v.(obj); ok {
			items = append(items, item)
		}
	}
	return items
}

// dicomFirst is the first value of an attribute, or "".
func dicomFirst(o obj, tag string) any {
	attribute, _ := o[tag].(obj)
	if values, _ := attribute["Value"].(arr); len(values) > 0 {
		return values[0]
	}
	return ""
}
