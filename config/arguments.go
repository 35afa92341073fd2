package config

// Arguments are the flags that lead another command to the same folders and the same tasks file, from wherever it is started:
// the config file, where there is one, and each of the paths that it does not say itself.
func (c Config) Arguments() []string {
	var args []string
	if c.File != "" {
		args = append(args, "--config", c.File)
	}
	if c.File != "" && c.Session != "" {
		return append(args, "--session", c.Session)
	}
	for _, p := range []struct{ key, value string }{{"drop", c.Drop}, {"tasks", c.Tasks}, {"recovery", c.Recovery}} {
		place, set := c.set[p.key]
		if c.File == "" || set && place.source.layer != fileLayer {
			args = append(args, "--"+p.key, p.value)
		}
	}
	return args
}
