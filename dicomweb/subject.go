package dicomweb

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tenon/fhir/issue"
	"tenon/server/search"
)

// subject decides whose the arriving instances are (see the package comment).
type subject struct {
	door    *Door
	r       *request
	patient string       // "Patient/x" of the URL, or ""
	known   []identifier // of it
	task    string       // "Task/x" of the URL, or ""
	seen    map[string]finding
	decided bool // a person has said that all is the patient's
}

// finding is what was found for one Patient ID.
type finding struct {
	patient string
	refused *refusal
}

// newSubject reads the parameters patient and task. What they name must be in
// reach.
func (d *Door) newSubject(r *request) (*subject, error) {
	s := &subject{door: d, r: r, seen: map[string]finding{}}
	given, err := r.parameters()
	if err != nil {
		return nil, err
	}
	for name, values := range given {
		if name != "patient" && name != "task" || len(values) != 1 {
			return nil, issue.Errorf(issue.Invalid, "The parameter %q is unknown or repeated; patient and task may be given once each.", name).
				At(name).Rule("unknown-parameter").WithStatus(http.StatusBadRequest)
		}
	}
	if s.patient, err = s.named("patient", "Patient"); err != nil {
		return nil, err
	}
	s.task, err = s.named("task", "Task")
	return s, err
}

// named reads a parameter that names a resource.
func (s *subject) named(parameter, typ string) (string, error) {
	ref := s.r.URL.Query().Get(parameter)
	if err := s.read(parameter, typ, ref); err != nil {
		return "", err
	}
	return ref, nil
}

// read reads what is named, "" being nothing; of a Patient the identifiers are
// noted.
func (s *subject) read(parameter, typ, ref string) error {
	if ref == "" {
		return nil
	}
	id, ok := strings.CutPrefix(ref, typ+"/")
	if !ok || id == "" || strings.Contains(id, "/") {
		return issue.Errorf(issue.Invalid, "%s=%s: a reference such as %s/123 is expected.", parameter, ref, typ).
			At(parameter).Rule("parameter-value").WithStatus(http.StatusBadRequest)
	}
	v, err := s.door.o.Records.Read(s.r.Context(), s.r.who, typ, id)
	if err == nil && typ == "Patient" {
		s.known, err = identifiers(v.Body)
	}
	return err
}

// identifier is one of a Patient.
type identifier struct{ System, Value string }

// identifiers are those of a Patient.
func identifiers(body []byte) ([]identifier, error) {
	var p struct{ Identifier []identifier }
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, fmt.Errorf("dicomweb: stored Patient: %w", err)
	}
	return p.Identifier, nil
}

// of says whose an instance with this Patient ID is. The same ID is another
// person's with another issuer: where the operator has said which system of
// identifiers the Issuer of Patient ID (0010,0021) is, only that one counts.
func (s *subject) of(id, issuer string) (string, *refusal, error) {
	system := s.door.o.Issuers[issuer]
	key := system + "|" + id
	f, ok := s.seen[key]
	if !ok {
		var err error
		if f, err = s.find(id, system); err != nil {
			return "", nil, err
		}
		s.seen[key] = f
	}
	return f.patient, f.refused, nil
}

func (s *subject) find(id, system string) (finding, error) {
	if s.decided {
		return finding{patient: s.patient}, nil
	}
	if s.patient != "" && (id == "" || slices.ContainsFunc(s.known, func(k identifier) bool { return k.Value == id && (system == "" || k.System == system) })) {
		return finding{patient: s.patient}, nil
	}
	if id == "" {
		return refuse("PatientID (0010,0020) is empty; name the patient in the URL: ?patient=Patient/{id}"), nil
	}
	token := escape(id)
	if system != "" {
		token = escape(system) + "|" + token
	}
	page, _, err := s.door.o.Records.Search(s.r.Context(), s.r.who, "Patient",
		[]search.Param{{Name: "identifier", Value: token}, {Name: "_count", Value: "2"}}, true)
	if err != nil {
		return finding{}, err
	}
	var found []string
	for _, hit := range page.Hits {
		if !hit.Included {
			found = append(found, hit.Type+"/"+hit.ID)
		}
	}
	switch {
	case s.patient != "" && (len(found) == 0 || len(found) == 1 && found[0] == s.patient):
		return finding{patient: s.patient}, nil
	case s.patient != "":
		return refuse("PatientID (0010,0020) identifies another patient than the one that the URL names"), nil
	case len(found) == 0:
		return refuse("PatientID (0010,0020) is no identifier of a patient that you can see; name the patient in the URL: ?patient=Patient/{id}"), nil
	case len(found) > 1:
		return refuse("PatientID (0010,0020) identifies several patients; name the patient in the URL: ?patient=Patient/{id}"), nil
	}
	return finding{patient: found[0]}, nil
}

func refuse(text string) finding {
	return finding{refused: &refusal{reasonPatient, text}}
}

// escape makes a value stand for itself in a token parameter.
// https://hl7.org/fhir/R4/search.html#escaping
func escape(value string) string {
	return strings.NewReplacer(`\`, `\\`, `,`, `\,`, `|`, `\|`, `$`, `\$`).Replace(value)
}
