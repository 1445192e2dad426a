package app

import (
	"fmt"

	"tenon/server/record"
)

// Keeping says what may go: by a delete, of what others refer to, and for good.
type Keeping struct {
	DeleteReferenced string `help:"What becomes of a delete of what others refer to: protect (refused where a case or a signed resource needs it), refuse (where anything does) or allow." default:"protect" enum:"protect,refuse,allow" env:"TENON_DELETE_REFERENCED"`
}

func (k *Keeping) policy() record.DeletePolicy { return record.DeletePolicy(k.DeleteReferenced) }

func (k *Keeping) check() error {
	switch k.policy() {
	case "", record.DeleteProtect, record.DeleteRefuse, record.DeleteAllow:
		return nil
	}
	return fmt.Errorf("delete-referenced: %q is neither protect nor refuse nor allow", k.DeleteReferenced)
}
