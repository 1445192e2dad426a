package dicomweb

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"tenon/dicomweb/index"
	"tenon/fhir/issue"
	"tenon/server/access"
	"tenon/server/record"
)

// The change feed: what became of the images that the caller reaches, in the
// order of the log. Its sequence numbers are places in the log, so they grow, are
// given once, and none shows up behind one that was read.
//
//	GET /changefeed?since=0&limit=100 → {"changes":[…],"next":n,"more":true}
//	GET /changefeed?since=n           → …

// change is the body of an index.Change.
type change struct {
	Action  string            `json:"action"`
	Study   string            `json:"study"`
	Added   []changedInstance `json:"added,omitempty"`
	Removed []changedInstance `json:"removed,omitempty"`
	Changed []changedInstance `json:"changed,omitempty"` // by a correction
}

type changedInstance struct {
	Series   string `json:"series"`
	Instance string `json:"instance"`
}

// change is the row of a unit that stores: it creates the study or adds to it.
func (u *unit) change(id string) *index.Change {
	c := &change{Action: "update", Study: u.study.UID}
	if u.held.Study == nil {
		c.Action = "create"
	}
	for _, a := range u.fresh {
		c.Added = append(c.Added, changedInstance{a.series.UID, a.instance.UID})
	}
	return u.in.door.changeRow(id, c)
}

func (d *Door) changeRow(resource string, c *change) *index.Change {
	text, _ := json.Marshal(c) // texts only
	return &index.Change{Resource: resource, Body: d.codec.pack(text)}
}

// fed is one line of the feed.
type fed struct {
	Sequence int64     `json:"sequence"`
	At       time.Time `json:"timestamp"`
	Resource string    `json:"resource"`
	Version  int64     `json:"version"`
	change
}

type feedPage struct {
	Changes []fed `json:"changes"`
	Next    int64 `json:"next"`
	More    bool  `json:"more"`
}

// changeFeed answers one page.
func (d *Door) changeFeed(w http.ResponseWriter, r *request) error {
	if d.o.Feed == nil {
		return absent()
	}
	if err := r.who.Permit(access.Search, "ImagingStudy"); err != nil {
		return err
	}
	since, limit, err := feedRange(r)
	if err != nil {
		return err
	}
	list, next, done, err := d.o.Feed.Changes(r.Context(), r.who.ReachTo(access.Search), since, limit)
	if err != nil {
		return fmt.Errorf("dicomweb: change feed: %w", err)
	}
	page := feedPage{Changes: make([]fed, 0, len(list)), Next: next, More: !done}
	rows := []record.Audit{d.auditRow(r, "changefeed", "ImagingStudy", "")}
	seen := map[string]bool{"": true}
	for _, c := range list {
		line := fed{Sequence: c.Sequence, At: c.At, Resource: "ImagingStudy/" + c.Resource, Version: c.Version, change: change{Action: "update", Study: c.Study}}
		if c.Erased {
			line.Action = "delete"
		}
		if len(c.Body) > 0 {
			text, err := d.codec.unpack(nil, c.Body)
			if err == nil {
				err = json.Unmarshal(text, &line.change)
			}
			if err != nil {
				return fmt.Errorf("dicomweb: stored change: %w", err)
			}
		}
		page.Changes = append(page.Changes, line)
		if !seen[c.Patient] {
			seen[c.Patient] = true
			rows = append(rows, d.auditRow(r, "changefeed", "ImagingStudy", c.Patient))
		}
	}
	for i := range rows {
		rows[i].Action = "E"
	}
	if err := d.o.Auditor.Audit(r.Context(), rows); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return writeJSON(w, http.StatusOK, page)
}

func feedRange(r *request) (since int64, limit int, err error) {
	given, err := r.parameters()
	if err != nil {
		return 0, 0, err
	}
	limit = 100
	for name, values := range given {
		n := 0
		switch {
		case len(values) != 1:
			err = issue.Errorf(issue.Invalid, "The parameter %q is repeated.", name).At(name).Rule("unknown-parameter").WithStatus(http.StatusBadRequest)
		case name == "since":
			n, err = count(name, values[0], 0, math.MaxInt)
			since = int64(n)
		case name == "limit":
			limit, err = count(name, values[0], 1, 1000)
		default:
			err = unknownParameter(name)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return since, limit, nil
}
