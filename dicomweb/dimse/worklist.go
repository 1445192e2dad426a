package dimse

import (
	"context"

	"tenon/server/access"
)

// Worklist gives the steps that modalities ask for.
type Worklist interface{}

func (a *association) worklist(ctx context.Context, who *access.Context, m *message) error {
	return a.refuse(m, statusNoSuchClass, "no worklist is offered")
}

func (a *association) commit(ctx context.Context, who *access.Context, m *message) error {
	return a.refuse(m, statusNoSuchClass, "not offered")
}
