package store

import (
	"slices"

	"tenon/server/search"
)

// A page is found in the order of the plan, beginning behind a cursor, or in the
// opposite order, beginning with the match at the cursor, and then turned round.
// A cursor is the place of the last match of a page; the page that follows begins
// behind it, the page itself ends with it. So the links of a page do not depend
// on the way by which it was reached, nor on whether that match is still there:
//
//	matches   a b c | d e f | g
//	cursors         c       f
//	next of the first page       behind c
//	previous of the second page  up to c
//	previous of the third page   up to f
//
// https://hl7.org/fhir/R4/http.html#paging

// start makes the cursor one that the walk begins behind. Backwards, the match
// at the cursor is the first one: its row number is moved by one.
func (r *run) start() {
	if r.plan.After == nil {
		return
	}
	at := *r.plan.After
	if at.Back {
		at.Row++
		if !downwards(r.by, r.back) {
			at.Row -= 2
		}
	}
	r.at = &at
}

// turn brings a page into the order of the plan and gives it the link that does
// not depend on what it holds.
func (r *run) turn(page *search.Page) {
	if r.plan.After == nil {
		return
	}
	other := *r.plan.After
	other.Back = !r.back
	if !r.back {
		page.Previous = &other
		return
	}
	page.Next = &other
	slices.Reverse(page.Hits)
	slices.Reverse(r.rows)
	slices.Reverse(r.parts)
}
