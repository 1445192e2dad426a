package access

// Audits tells whether the caller reads the audit: an audit administrator, in
// person and without an app between, or the operator. Nobody else does, the
// administrators of the platform and of its security included.
func (c *Context) Audits() bool {
	if c == nil {
		return false
	}
	return c.Kind == Operator || c.Kind == Person && c.Has(AUD)
}

// AuditsAll tells whether an auditor reads the events of every organisation: the
// operator, and one who is of neither party.
func (c *Context) AuditsAll() bool {
	return c.Audits() && (c.Kind == Operator || c.Side == NoSide)
}
