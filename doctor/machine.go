package doctor

// machine looks at what belongs to no folder.
func (e *examination) machine() {
	at := e.at("machine")
	limits, err := inotifyLimits()
	switch {
	case err != nil:
		at.find("inotify", Note, "read /proc/sys/fs/inotify", "its limits cannot be found out: %v", err)
	case e.ctx.Err() == nil && limits.has:
		level, says, remedy := limits.judge()
		at.find("inotify", level, remedy, "%s", says)
	}
}
