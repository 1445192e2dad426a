package search

import "tenon/fhir/issue"

// Told is what the client must be told of how its query was understood.
type Told struct {
	Self     []Param       // the parameters as understood, for the self link
	Warnings []issue.Issue // for an OperationOutcome entry with search.mode outcome
	Elements []string      // _elements
	Summary  string        // _summary: true, text, data, count, false or ""
	Total    string        // _total: none, estimate, accurate or ""

	seals *cursors
	scope string
	at    string // cursor of this page, "" on the first
}

func (t *Told) bind(c *cursors, scope string) { t.seals, t.scope = c, scope }

// Here is the query of this page, its cursor included, for the self link.
func (t *Told) Here() []Param {
	if t.at == "" {
		return t.Self
	}
	return t.with(t.at)
}

// First tells whether this page was asked for without a cursor.
func (t *Told) First() bool { return t.at == "" }

// Page is the query of the page at the cursor, for the next and the previous
// link; only the same caller can use it, with the same query.
func (t *Told) Page(c *Cursor) []Param { return t.with(t.seals.seal(c, t.scope)) }

func (t *Told) with(token string) []Param {
	return append(t.Self[:len(t.Self):len(t.Self)], Param{cursorParam, token})
}

func (t *Told) open(token string) (*Cursor, error) {
	c, ok := t.seals.open(token, t.scope)
	if !ok {
		return nil, badCursor()
	}
	t.at = token
	return c, nil
}

func badCursor() error {
	return refuse(issue.Invalid, "search-cursor", cursorParam, "分页链接无效或已过期，请从第一页重新检索。",
		"The page link is not valid for this query and caller, or has expired. Start again from the first page.")
}
