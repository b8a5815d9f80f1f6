package usergrid

// matches reports whether what a query asks for holds of properties: for lists of things that are no records.
func (q *ql) matches(values map[string]any) bool { return true }

// less orders properties as a query asks.
func (q *ql) less(a, b map[string]any) bool { return false }
