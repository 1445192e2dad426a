package rest

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"tenon/fhir/issue"
)

// A Bundle is carried out in memory, which takes some fifty times its bytes:
// those under way share a budget of bytes, so that many large ones wait for each
// other instead of taking the machine. Small ones have their own and never wait
// behind a large one.
const (
	smallBundle  = 1 << 20
	smallBudget  = 32 << 20
	budgetWait   = 30 * time.Second
	bundleBudget = 64 << 20 // and the default of MaxBundle
)

// budget is how many bytes of Bundles may be under way.
type budget struct {
	small, large *semaphore.Weighted
	most         int64
}

func newBudget(most int64) *budget {
	return &budget{semaphore.NewWeighted(smallBudget), semaphore.NewWeighted(most), most}
}

// take waits for room for a body of a declared length, and reserves it before
// the body is read; a length that is not declared counts as the most there can
// be. free gives it back.
func (b *budget) take(ctx context.Context, length int64, encoded bool) (free func(), err error) {
	from, weight := b.large, length
	switch {
	case length < 0 || encoded || length > b.most:
		weight = b.most
	case length <= smallBundle:
		from = b.small
	}
	ctx, cancel := context.WithTimeout(ctx, budgetWait)
	defer cancel()
	if err := from.Acquire(ctx, weight); err != nil {
		return nil, issue.Errorf(issue.Transient, "Other large Bundles are being carried out; send it again in a moment.").
			Rule("bundle-budget").Chinese("正在处理其他大型 Bundle，请稍后重试。")
	}
	return func() { from.Release(weight) }, nil
}
