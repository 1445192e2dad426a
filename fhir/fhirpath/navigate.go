package fhirpath

// Tree navigation and types. https://hl7.org/fhirpath/N1/#tree-navigation
func init() {
	register(map[string]builtin{
		"children":    {0, 0, (*compiler).children},
		"descendants": {0, 0, (*compiler).descendants},
		"is":          {1, 1, (*compiler).isFunction},
		"as":          {1, 1, (*compiler).asFunction},
		"type":        {0, 0, (*compiler).typeFunction},
	})
}

func (c *compiler) children(*node, static) (apply, static, error) {
	return func(st *state, base int) error {
		end := len(st.stack)
		for i := base; i < end; i++ {
			v := st.stack[i]
			if err := pushChildren(st, &v); err != nil {
				return err
			}
		}
		st.drop(base, end)
		return st.spend(1)
	}, static{open: true, unordered: true}, nil
}

// descendants visits every element below the input once, near ones first.
func (c *compiler) descendants(*node, static) (apply, static, error) {
	return func(st *state, base int) error {
		end := len(st.stack)
		for i := base; i < len(st.stack); i++ {
			v := st.stack[i]
			if err := pushChildren(st, &v); err != nil {
				return err
			}
		}
		st.drop(base, end)
		return st.spend(1)
	}, static{open: true, unordered: true}, nil
}
