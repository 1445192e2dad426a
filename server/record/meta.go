package record

import (
	"context"
	"fmt"

	"tenon/fhir/issue"
	"tenon/server/access"
)

// LabelStore is the Store's part of $meta at the levels of type and system.
type LabelStore interface {
	// Labels returns current resources in reach, of a type or of all (""), whose
	// profiles, tags, security labels and grades together are all that are in use
	// there: for each value one resource that has it. There are most of each kind
	// at most, and one more where there are others.
	Labels(ctx context.Context, reach access.Predicate, typ string, most int) ([]Version, error)
}

// mostLabels bounds the distinct values that $meta tells.
const mostLabels = 1000

// Labels is $meta at the levels of type and system ("").
// https://hl7.org/fhir/R4/resource-operation-meta.html
// Failures: not-found (404) for an unknown type, too-costly (400).
func (r *Recorder) Labels(ctx context.Context, who *access.Context, typ string) ([]Version, error) {
	if err := mustKnow(who); err != nil {
		return nil, err
	}
	if typ != "" {
		if err := r.knownType(typ); err != nil {
			return nil, err
		}
	}
	list, err := r.o.Store.Labels(ctx, who.Reach(), typ, mostLabels)
	if err != nil {
		return nil, fmt.Errorf("record: labels of %q: %w", typ, err)
	}
	if len(list) > mostLabels {
		return nil, issue.Errorf(issue.TooCostly, "More than %d profiles, tags and labels are in use; ask a type, or single resources.", mostLabels).
			WithStatus(400).Rule("meta-limit").Chinese("在用的标签过多，请按类型或单个资源查询。")
	}
	if err := r.o.Store.Audit(ctx, []Audit{r.audit(who, "R", "meta", typ, 200)}); err != nil {
		return nil, fmt.Errorf("record: audit: %w", err)
	}
	return list, nil
}
