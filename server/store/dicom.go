package store

import (
	"context"
	"fmt"
)

func applyDoorRow(_ context.Context, _ querier, _ int64, row any) error {
	return fmt.Errorf("store: unknown door row %T", row)
}
