package record

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// Referrer is a current resource that refers to another one.
type Referrer struct {
	Type, ID string
	Version  int64
	Reached  bool // by the reach that was asked with
	Case     bool // it is a member of a case
	Signed   bool // somebody signed a version of it
}

// Ref is "Type/id".
func (f *Referrer) Ref() string { return f.Type + "/" + f.ID }

// Referrers is the Store's part.
type Referrers interface {
	// Referrers lists what refers to a resource by a search parameter, in the order
	// of creation and at most limit, whether or not the reach covers it. What only
	// tells of others (Provenance, AuditEvent) and the resource itself are left out.
	Referrers(ctx context.Context, reach access.Predicate, typ, id string, limit int) ([]Referrer, error)
}

// DeletePolicy says what becomes of a delete of something that others refer to.
// R4 leaves it open. https://hl7.org/fhir/R4/http.html#delete
type DeletePolicy string

// The policies; the zero one is DeleteProtect. A reference may lead nowhere
// under any of them: a resource may be written before what it refers to.
const (
	DeleteProtect DeletePolicy = "protect" // refused where a case or a signed resource refers to it
	DeleteRefuse  DeletePolicy = "refuse"  // refused where anything refers to it
	DeleteAllow   DeletePolicy = "allow"
)

// mostTellers bounds the referrers that a refusal names.
const mostTellers = 10

// referred refuses deletes of what others need. What the same draft deletes too,
// or writes without the reference, needs it no more.
func (p *preparation) referred() error {
	if err := p.certified(); err != nil {
		return err
	}
	if p.r.o.DeleteReferenced == DeleteAllow || p.in.trusted {
		return nil
	}
	for i, w := range p.writes {
		if w == nil || w.server || w.op.Method != "DELETE" && !w.op.Sheds {
			continue
		}
		all, err := p.r.o.Store.Referrers(p.ctx, p.who.Reach(), w.typ, w.id, 1000+len(p.writes))
		if err != nil {
			return fmt.Errorf("record: referrers: %w", err)
		}
		var seen []string
		unseen := false
		for k := range all {
			f := &all[k]
			switch {
			case p.gone[f.Ref()] || p.released(f, w.typ+"/"+w.id) || p.r.o.DeleteReferenced != DeleteRefuse && !f.Case && !f.Signed:
			case f.Reached:
				seen = append(seen, f.Ref())
			default:
				unseen = true
			}
		}
		if len(seen) > 0 || unseen {
			return at(needed(w.typ+"/"+w.id, seen), i, p.draft)
		}
	}
	return nil
}

// released tells whether the draft writes a referrer without the reference.
func (p *preparation) released(f *Referrer, ref string) bool {
	w := p.writeOf(f.Type, f.ID)
	return w != nil && len(w.body) > 0 && !bytes.Contains(w.body, []byte(ref+`"`)) && !bytes.Contains(w.body, []byte(ref+`/`))
}

// needed names the referrers that the caller sees; of others it says no more
// than that something needs the resource.
func needed(ref string, seen []string) error {
	by := "something out of your reach"
	if len(seen) > 0 {
		by = strings.Join(seen[:min(len(seen), mostTellers)], ", ")
		if len(seen) > mostTellers {
			by += " and others"
		}
	}
	return issue.Errorf(issue.Conflict, "%s cannot be deleted, since it is needed by %s. Change or delete that first.", ref, by).
		Rule("referenced").WithStatus(409).Chinese("该资源被其他资源引用，不能删除；请先处理引用它的资源。")
}
