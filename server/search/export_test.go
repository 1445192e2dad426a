package search

// WithoutShortcuts makes registries that evaluate every expression in FHIRPath.
func WithoutShortcuts(make func()) {
	shortcuts = false
	defer func() { shortcuts = true }()
	make()
}
