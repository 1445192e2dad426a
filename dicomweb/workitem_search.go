package dicomweb

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/server/access"
	"tenon/server/record"
)

// Search of work items.
// https://dicom.nema.org/medical/dicom/current/output/html/part18.html#sect_11.9

// mostSteps bounds the work items that one search looks at.
const mostSteps = 20_000

// stepKey is one matching key.
type stepKey struct {
	path []dicom.Tag
	vr   dicom.VR
	want string
}

// stepQuery is a search that was read.
type stepQuery struct {
	keys          []stepKey
	limit, offset int
	fuzzy         bool
}

func readStepQuery(values url.Values) (*stepQuery, error) {
	q := &stepQuery{limit: defaultLimit}
	for name, list := range values {
		for _, v := range list {
			var err error
			switch name {
			case "limit":
				q.limit, err = count(name, v, 1, maxLimit)
			case "offset":
				q.offset, err = count(name, v, 0, maxOffset)
			case "fuzzymatching":
				q.fuzzy = v == "true"
			case "includefield": // data sets are answered whole
			default:
				path, d, ok := index.ParsePath(name)
				if !ok {
					return nil, unknownAttribute(name, name)
				}
				if v != "" && v != "*" {
					q.keys = append(q.keys, stepKey{path, d.VR, v})
				}
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return q, nil
}

// columns are the keys that the index answers: those of a worklist. What they leave
// is judged by meets.
func (q *stepQuery) columns() (of index.WorkitemQuery) {
	for _, k := range q.keys {
		if len(k.path) != 1 || strings.ContainsAny(k.want, "*?") {
			continue
		}
		switch k.path[0] {
		case dicom.SOPInstanceUID:
			of.UIDs = strings.FieldsFunc(k.want, func(r rune) bool { return r == ',' || r == '\\' })
		case stepState:
			of.State = k.want
		case stepStart:
			from, to, isRange := strings.Cut(k.want, "-")
			if !isRange {
				to = from
			}
			of.From, of.To = from, to
		}
	}
	return of
}

// meets tells whether the data set has a value for every key.
func (q *stepQuery) meets(s step) bool {
	for i := range q.keys {
		k := &q.keys[i]
		if !k.meets(s, k.path, q.fuzzy) {
			return false
		}
	}
	return true
}

func (k *stepKey) meets(s step, path []dicom.Tag, fuzzy bool) bool {
	a := s[path[0].String()]
	if a == nil {
		return false
	}
	for _, raw := range a.Value {
		if len(path) > 1 {
			var item step
			if json.Unmarshal(raw, &item) == nil && k.meets(item, path[1:], fuzzy) {
				return true
			}
			continue
		}
		for _, v := range valuesOf(raw) {
			if index.Fits(k.vr, k.want, v, fuzzy) {
				return true
			}
		}
	}
	return false
}

// valuesOf are the texts of one value: of a name each component group.
func valuesOf(raw json.RawMessage) []string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []string{text}
	}
	var name map[string]string
	if json.Unmarshal(raw, &name) == nil {
		var list []string
		for _, group := range name {
			list = append(list, group)
		}
		return list
	}
	return []string{string(raw)}
}

// searchWorkitems answers GET /workitems.
func (d *Door) searchWorkitems(w http.ResponseWriter, r *request) error {
	if d.o.Workitems == nil {
		return absent()
	}
	if err := r.who.Permit(access.Search, "Task"); err != nil {
		return err
	}
	form := wantedModel(r)
	if form == noModel {
		return notAcceptable(stepForms)
	}
	given, err := r.parameters()
	if err != nil {
		return err
	}
	q, err := readStepQuery(given)
	if err != nil {
		return err
	}
	found, patients, more, err := d.matching(r, q)
	if err != nil {
		return err
	}
	rows := []record.Audit{d.auditRow(r, "workitem-search", "Task", "")}
	for p := range patients {
		rows = append(rows, d.auditRow(r, "workitem-search", "Task", p))
	}
	for i := range rows {
		rows[i].Action = "E"
	}
	if err := d.o.Auditor.Audit(r.Context(), rows); err != nil {
		return err
	}
	if more {
		w.Header().Set("Warning", warnedBy+"There are additional results that can be requested.")
	}
	if len(found) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return writeSteps(w, found, form)
}

// matching looks through the work items in reach.
func (d *Door) matching(r *request, q *stepQuery) (found []step, patients map[string]bool, more bool, err error) {
	patients = map[string]bool{}
	columns := q.columns()
	const page = 500
	behind, skip := [2]string{}, q.offset
	for seen := 0; seen < mostSteps; seen += page {
		list, err := d.o.Workitems.Workitems(r.Context(), r.who.ReachTo(access.Search), columns, behind, page)
		if err != nil {
			return nil, nil, false, fmt.Errorf("dicomweb: work items: %w", err)
		}
		for _, item := range list {
			behind = [2]string{item.Scheduled, item.UID}
			s, err := d.stepOf(item)
			if err == nil {
				s, err = d.seenItem(r.Context(), r.who, item, s)
			}
			switch {
			case err != nil:
				return nil, nil, false, err
			case !q.meets(s):
			case skip > 0:
				skip--
			case len(found) == q.limit:
				return found, patients, true, nil
			default:
				found = append(found, s)
				if item.Patient != "" {
					patients[item.Patient] = true
				}
			}
		}
		if len(list) < page {
			return found, patients, false, nil
		}
	}
	return found, patients, true, nil
}
