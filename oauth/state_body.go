package oauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// stateBody is the Basic of an app. What it has no place for is refused: nothing
// that is said to be kept is lost.
// https://hl7.org/fhir/smart-app-launch/STU2.2/StructureDefinition-smart-app-state-basic.html
type stateBody struct {
	ResourceType string                     `json:"resourceType"`
	ID           string                     `json:"id,omitempty"`
	Meta         map[string]json.RawMessage `json:"meta,omitempty"` // the server's
	Extension    []stateValue               `json:"extension,omitempty"`
	Code         stateConcept               `json:"code"`
	Subject      *stateSubject              `json:"subject,omitempty"`
}

type stateValue struct {
	URL   string  `json:"url"`
	Value *string `json:"valueString"`
}

type stateConcept struct {
	Coding []stateCoding `json:"coding"`
	Text   string        `json:"text,omitempty"`
}

type stateCoding struct {
	System       string `json:"system"`
	Version      string `json:"version,omitempty"`
	Code         string `json:"code"`
	Display      string `json:"display,omitempty"`
	UserSelected *bool  `json:"userSelected,omitempty"`
}

type stateSubject struct {
	Reference string `json:"reference"`
	Type      string `json:"type,omitempty"`
	Display   string `json:"display,omitempty"`
}

func badState(at, format string, args ...any) error {
	return issue.Errorf(issue.Invalid, format, args...).WithStatus(422).At(at).Rule("app-state").Chinese("应用自存数据不符合要求。")
}

// readState reads a Basic and what it is about, "Type/id".
func (s *Server) readState(text []byte) (*stateBody, string, error) {
	if _, err := tree.Parse(text); err != nil {
		return nil, "", err
	}
	b := new(stateBody)
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(b); err != nil {
		return nil, "", badState("Basic", "App state is a Basic with code, subject and extensions with a url and a valueString, and nothing else: %s.", strings.TrimPrefix(err.Error(), "json: "))
	}
	switch {
	case b.ResourceType != "Basic":
		return nil, "", badState("resourceType", "App state is a Basic.")
	case len(b.Code.Coding) != 1 || b.Code.Coding[0].System == "" || b.Code.Coding[0].Code == "":
		return nil, "", badState("Basic.code.coding", "App state has one coding, with system and code.")
	case slices.ContainsFunc(b.Extension, func(e stateValue) bool { return e.URL == "" || e.Value == nil || *e.Value == "" }):
		return nil, "", badState("Basic.extension", "Each extension has a url and a valueString.")
	case b.Subject == nil:
		return b, "", nil
	}
	subject, err := s.subjectOf("Basic.subject.reference", b.Subject.Reference)
	return b, subject, err
}

var subjectID = regexp.MustCompile(`^[A-Za-z0-9.-]{1,64}$`)

// subjectTypes are what app state is about.
var subjectTypes = []string{"Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"}

// subjectOf reads an absolute reference to a resource of this server.
func (s *Server) subjectOf(at, reference string) (string, error) {
	subject, ours := strings.CutPrefix(reference, s.Base+"/")
	typ, id, _ := strings.Cut(subject, "/")
	if !ours || !slices.Contains(subjectTypes, typ) || !subjectID.MatchString(id) {
		return "", badState(at, "The subject is an absolute reference such as %s/Patient/123, of a %s.", s.Base, strings.Join(subjectTypes, ", "))
	}
	return subject, nil
}

// coding is the code of a body.
func (b *stateBody) coding() StateCode {
	return StateCode{b.Code.Coding[0].System, b.Code.Coding[0].Code}
}

// sealState keeps what a body says.
func (s *Server) sealState(x *State, b *stateBody) error {
	b.ID, b.Meta = "", nil
	text, err := json.Marshal(b)
	if err == nil {
		x.Sealed, err = s.seal(stateSeal(x), text)
	}
	return err
}

// shown is a state as it is answered.
func (s *Server) shown(x *State) (json.RawMessage, error) {
	text, err := s.unseal(stateSeal(x), x.Sealed)
	if err != nil {
		return nil, fmt.Errorf("app state %s: %w", x.ID, err)
	}
	b := new(stateBody)
	if err := json.Unmarshal(text, b); err != nil {
		return nil, err
	}
	b.ID = x.ID
	b.Meta = map[string]json.RawMessage{}
	for name, v := range map[string]string{"versionId": fmt.Sprint(x.Version), "lastUpdated": x.Updated.UTC().Format(time.RFC3339Nano)} {
		if b.Meta[name], err = json.Marshal(v); err != nil {
			return nil, err
		}
	}
	return json.Marshal(b)
}
