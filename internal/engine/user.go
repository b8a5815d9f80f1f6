package engine

import (
	"context"
	"errors"
	"strings"
	"time"

	"hecate"
	"hecate/internal/store"
)

// UserDetail is a user with what belongs to it. It is shared: read-only.
type UserDetail struct {
	User    *hecate.User
	Profile *hecate.Record
	Groups  []*hecate.Group
	Token   hecate.Secret // the token of the standing session
	// Awaited is somebody who signed up where the app hides who has an account. Whether there is such a user the answer does not tell: he was made
	// if his names are free, or is made when he confirms his address, see Join. Until then his tokens open nothing.
	Awaited bool
}

// UserRef names a user: the first non-zero of ID, Seq, Key, Login (username, else address), Username, Email.
type UserRef struct {
	ID    hecate.UserID
	Seq   int64
	Key   string
	Login string
	// One of his names alone.
	Username, Email string
}

// userCacheKey is the key of a user in the tables "users" and "details".
func userCacheKey(app hecate.AppID, id hecate.UserID) string { return string(app) + "/" + string(id) }

// actsForAll reports whether the actor reaches other users with these powers. Who is signed in with an app's key acts
// for himself alone, whatever the key could do by itself; admins, holders of an admin role and the master key do not.
func actsForAll(actor *hecate.Actor, want hecate.Permissions) bool {
	return actor.Can(want, hecate.AreaUsers) && (actor.User == nil || actor.Can(hecate.Update, hecate.AreaRoles))
}

// nobodyID stands for a user who does not exist where the door is asked about him.
const nobodyID hecate.UserID = "00000000-0000-0000-0000-000000000000"

// userFor finds a user on whom the actor may do what is wanted. Who comes by a path (Actor.Via) reaches those that the role
// policy on it gives him. Without one, role paths give changes of other users alone, and only to whoever presents no
// key: else they show nobody to anybody. Kinds: Forbidden, NotFound on "user" (also for those whom the actor does not see).
func (e *Engine) userFor(ctx context.Context, actor *hecate.Actor, ref UserRef, want hecate.Permissions, op string) (*hecate.User, error) {
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	u, unknown := e.findUser(ctx, app.ID, ref, op)
	if unknown != nil && !errors.Is(unknown, hecate.NotFound) {
		return nil, unknown
	}
	id := nobodyID
	if unknown == nil {
		id = u.ID
	}
	if actor.Via != "" {
		if err := e.allow(actor, hecate.Policy{}, want, hecate.Scope{Area: hecate.AreaUsers, Path: actor.Via, User: id}, op); err != nil {
			return nil, err
		}
		return u, unknown
	}
	if unknown == nil && changesByPath(actor, want, id) {
		return u, nil
	}
	self := actor.User != nil && (hecate.Read | hecate.Update).Has(want)
	if !self || actsForAll(actor, want) {
		if err := e.allowArea(actor, want, hecate.AreaUsers, op); err != nil {
			return nil, err
		}
	}
	if unknown != nil {
		return nil, unknown
	}
	if !actsForAll(actor, want) && u.ID != actor.UserID() {
		return nil, hecate.E(hecate.NotFound, op).On("user")
	}
	if err := e.allow(actor, hecate.Policy{}, want, hecate.Scope{Area: hecate.AreaUsers, User: u.ID}, op); err != nil {
		return nil, err
	}
	return u, nil
}

// changesByPath reports whether the role policy lets the actor, who presents no key, change a user.
func changesByPath(actor *hecate.Actor, want hecate.Permissions, id hecate.UserID) bool {
	return actor.Key == nil && want&(hecate.List|hecate.Read) == 0 &&
		(hecate.Policy{}).Allow(actor, want, hecate.Scope{Area: hecate.AreaUsers, Path: userPath(id), User: id})
}

// userPath is where a user stands in the role policy.
func userPath(id hecate.UserID) string { return areaPaths[hecate.AreaUsers] + "/" + string(id) }

// detailFor is detail as the actor may have it who reached the user: who came by a role's path gets neither the user's
// token nor his profile, which has grants of its own.
func (e *Engine) detailFor(ctx context.Context, actor *hecate.Actor, app hecate.AppID, id hecate.UserID, want hecate.Permissions) (*UserDetail, error) {
	d, err := e.detail(ctx, app, id)
	if err != nil || id == actor.UserID() || actsForAll(actor, want) {
		return d, err
	}
	return &UserDetail{User: d.User}, nil
}

// findUser resolves a reference. Kinds: NotFound on "user".
func (e *Engine) findUser(ctx context.Context, app hecate.AppID, ref UserRef, op string) (*hecate.User, error) {
	var u *hecate.User
	var err error
	switch {
	case ref.ID != "":
		var m *member
		if m, err = e.member(ctx, app, ref.ID); err == nil {
			u = m.user
		}
	case ref.Seq != 0:
		u, err = e.db.UserBySeq(ctx, app, ref.Seq)
	case ref.Key != "":
		u, err = e.db.UserByKey(ctx, app, ref.Key)
	case ref.Login != "":
		u, err = e.db.UserByLogin(ctx, app, FoldLogin(ref.Login))
	case ref.Username != "":
		u, err = e.userByIdentity(ctx, app, hecate.UsernameIdentity, ref.Username)
	case ref.Email != "":
		u, err = e.userByIdentity(ctx, app, hecate.EmailIdentity, ref.Email)
	default:
		err = hecate.NotFound
	}
	return u, missing(unheldText(err), op, "user")
}

// userByIdentity finds the user of one login name. Kinds: NotFound.
func (e *Engine) userByIdentity(ctx context.Context, app hecate.AppID, kind hecate.IdentityKind, name string) (*hecate.User, error) {
	i, err := e.db.Identity(ctx, app, kind, FoldLogin(name))
	if err != nil {
		return nil, err
	}
	m, err := e.member(ctx, app, i.User)
	if err != nil {
		return nil, err
	}
	return m.user, nil
}

// detail returns a user with what belongs to it, from the cache while nothing of it changes. Kinds: NotFound on "user".
func (e *Engine) detail(ctx context.Context, app hecate.AppID, id hecate.UserID) (*UserDetail, error) {
	d, err := e.cache.details.get(ctx, userCacheKey(app, id), func(ctx context.Context) (*UserDetail, error) {
		u, err := e.db.User(ctx, app, id)
		if err != nil {
			return nil, err
		}
		ds, err := e.detailsOf(ctx, app, []*hecate.User{u})
		if err != nil {
			return nil, err
		}
		return ds[0], nil
	})
	return d, missing(err, "user", "user")
}

// detailsOf adds what belongs to users, in a number of queries that does not depend on how many they are.
func (e *Engine) detailsOf(ctx context.Context, app hecate.AppID, users []*hecate.User) ([]*UserDetail, error) {
	if len(users) == 0 {
		return nil, nil
	}
	ids := make([]hecate.UserID, len(users))
	for i, u := range users {
		ids[i] = u.ID
	}
	groups, err := e.db.GroupsOfUsers(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	tokens, err := e.db.StandingTokens(ctx, app, ids)
	if err != nil {
		return nil, err
	}
	profiles, err := e.profiles(ctx, e.db, app, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*UserDetail, len(users))
	for i, u := range users {
		d := &UserDetail{User: u, Profile: profiles[u.ID], Groups: groups[u.ID]}
		if d.Token, err = e.unseal(tokens[u.ID], sessionContext(app, u.ID)); err != nil {
			return nil, err
		}
		out[i] = d
	}
	return out, nil
}

func (e *Engine) detailPage(ctx context.Context, app hecate.AppID, p hecate.Page[*hecate.User]) (hecate.Page[*UserDetail], error) {
	rows, err := e.detailsOf(ctx, app, p.Rows)
	return hecate.Page[*UserDetail]{Rows: rows, More: p.More}, err
}

// Users lists the users that the actor may list: all of them, or only himself. Prefix filters by username. Kinds: Forbidden.
func (e *Engine) Users(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*UserDetail], error) {
	const op = "list users"
	var none hecate.Page[*UserDetail]
	app, err := inApp(actor, op)
	if err != nil {
		return none, err
	}
	if !actsForAll(actor, hecate.List) && actor.User != nil {
		return e.onlySelf(ctx, actor, in)
	}
	if err := e.allowArea(actor, hecate.List, hecate.AreaUsers, op); err != nil {
		return none, err
	}
	rows, err := e.db.Users(ctx, app.ID, in.bounded())
	if err != nil {
		return none, err
	}
	return e.detailPage(ctx, app.ID, rows)
}

// onlySelf is the list of users as a signed-in user sees it.
func (e *Engine) onlySelf(ctx context.Context, actor *hecate.Actor, in List) (hecate.Page[*UserDetail], error) {
	d, err := e.User(ctx, actor, UserRef{ID: actor.UserID()})
	if err != nil {
		return hecate.Page[*UserDetail]{}, err
	}
	if !strings.HasPrefix(FoldLogin(d.User.Username), FoldLogin(in.Prefix)) {
		return hecate.Page[*UserDetail]{}, nil
	}
	return onePage(d, d.User.Seq, in), nil
}

// User returns one user. Kinds: Forbidden when the actor may see no users at all, NotFound.
func (e *Engine) User(ctx context.Context, actor *hecate.Actor, ref UserRef) (*UserDetail, error) {
	const op = "user"
	u, err := e.userFor(ctx, actor, ref, hecate.Read, op)
	if err != nil {
		return nil, err
	}
	return e.detailFor(ctx, actor, u.App, u.ID, hecate.Read)
}

// LookupUser finds a user of the app without asking whether the actor may see its details: ids for
// owners and members. Kinds: NotFound on "user".
func (e *Engine) LookupUser(ctx context.Context, app hecate.AppID, ref UserRef) (*hecate.User, error) {
	return e.findUser(ctx, app, ref, "user")
}

// LookupUsers finds users by id, in one query, whoever asks. Unknown ids are absent from the result.
func (e *Engine) LookupUsers(ctx context.Context, app hecate.AppID, ids []hecate.UserID) (map[hecate.UserID]*hecate.User, error) {
	return e.db.UsersByID(ctx, app, ids)
}

// CreateUserInput describes a new user. Empty names are not identities.
type CreateUserInput struct {
	Key           string
	Username      string
	Email         string
	Password      hecate.Secret // empty: no usable password
	PIN           hecate.Secret // empty: none
	Profile       RecordInput   // Values, Access, Extra of the profile
	Growth        *Growth       // what the profile's schema may become for the values; nil: as it is
	NotActivated  bool
	MinPassword   int // the dialect's historical minimum, where the app sets none
	Dialect       string
	EmailVerified bool         // only where a provider or the operator says so
	Letters       []UserLetter // what the new user gets, queued with him: welcome, verification, activation
}

// Growth says how the schema of the profiles may follow the values that one is given, see SaveOptions.
type Growth struct {
	Extend  bool
	Missing func(name string, value any) (hecate.Field, bool)
}

// CreateUser signs a user up, with profile and standing session. Where the app hides who has an account, whoever does not manage its users
// gets an Awaited user, whether names are taken or not; where it confirms sign-ups, an address is needed. Kinds: Forbidden, Invalid or TooLarge on
// "username", "email", "password" or "profile.<field>", WeakPassword with Info "reason", Exists on "username", "email" or "key".
func (e *Engine) CreateUser(ctx context.Context, actor *hecate.Actor, in CreateUserInput) (*UserDetail, error) {
	const op = "create user"
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	if err := e.allowArea(actor, hecate.Create, hecate.AreaUsers, op); err != nil {
		return nil, err
	}
	if joins(actor, &in) {
		d, _, err := e.askToJoin(ctx, actor, app, newcomer{CreateUserInput: in}, op)
		return d, err
	}
	u, _, err := e.bringIn(ctx, actor, app, newcomer{CreateUserInput: in}, op)
	if err != nil {
		return nil, err
	}
	return e.detail(ctx, app.ID, u.ID)
}

func (in *CreateUserInput) check(op string, p hecate.PasswordPolicy) error {
	if in.Key != "" {
		if err := checkText(op, "key", in.Key, 1, maxName); err != nil {
			return err
		}
	}
	if err := checkNames(op, in.Username, in.Email); err != nil {
		return err
	}
	if in.Password.IsZero() {
		return nil
	}
	return checkPassword(op, "password", p, in.MinPassword, in.Password)
}

// checkNames checks the names that are not empty.
func checkNames(op, username, email string) error {
	if username != "" {
		if err := checkText(op, "username", username, 1, maxName); err != nil {
			return err
		}
	}
	if email != "" {
		return checkEmail(op, "email", email)
	}
	return nil
}

// namesFree reports early what the write would find; the write decides.
func (e *Engine) namesFree(ctx context.Context, app hecate.AppID, username, email, op string) error {
	if err := e.noAddressOfOthers(ctx, e.db, app, "", username, op); err != nil {
		return err
	}
	for _, i := range names("", username, email) {
		_, err := e.db.Identity(ctx, app, i.Kind, i.Match)
		if err == nil {
			return hecate.E(hecate.Exists, op).On(string(i.Kind))
		}
		if !errors.Is(err, hecate.NotFound) {
			return err
		}
	}
	return nil
}

// names are the identities of a username and an address, as far as they are not empty.
func names(user hecate.UserID, username, email string) []hecate.Identity {
	var list []hecate.Identity
	if username != "" {
		list = append(list, hecate.Identity{User: user, Kind: hecate.UsernameIdentity, Value: username, Match: FoldLogin(username)})
	}
	if email != "" {
		list = append(list, hecate.Identity{User: user, Kind: hecate.EmailIdentity, Value: email, Match: FoldLogin(email)})
	}
	return list
}

func (e *Engine) newUser(app hecate.AppID, in CreateUserInput, hash string) (*hecate.User, error) {
	id, err := e.newID()
	now := e.stamp()
	u := &hecate.User{
		ID: hecate.UserID(id), App: app, Key: in.Key, Username: in.Username, Email: in.Email, EmailVerified: in.Email != "" && in.EmailVerified,
		HasPassword: hash != "", Activated: !in.NotActivated, CreatedAt: now, UpdatedAt: now,
	}
	if u.Key == "" {
		u.Key = id
	}
	if hash != "" {
		u.PasswordChangedAt = now
	}
	return u, err
}

// insertUser stores a numbered user with his password.
func (e *Engine) insertUser(ctx context.Context, tx *store.DB, u *hecate.User, hash, op string) error {
	if free, err := tx.InsertUser(ctx, u); err != nil || !free {
		return taken(err, op, "key")
	}
	if hash == "" {
		return nil
	}
	return tx.SetCredential(ctx, u.App, u.ID, hecate.PasswordCredential, hash)
}

// insertNames stores the names of a new user. Kinds: Exists on the first that is taken.
func (e *Engine) insertNames(ctx context.Context, tx *store.DB, u *hecate.User, op string) error {
	if err := e.noAddressOfOthers(ctx, tx, u.App, u.ID, u.Username, op); err != nil {
		return err
	}
	for _, i := range names(u.ID, u.Username, u.Email) {
		if i.CreatedAt = u.CreatedAt; i.Kind == hecate.EmailIdentity && u.EmailVerified {
			i.VerifiedAt = u.CreatedAt
		}
		if free, err := tx.InsertIdentity(ctx, u.App, i); err != nil || !free {
			return taken(err, op, string(i.Kind))
		}
	}
	return nil
}

// noAddressOfOthers refuses a username that is somebody else's address, whom it would shadow. Kinds: Exists on "username".
func (e *Engine) noAddressOfOthers(ctx context.Context, db *store.DB, app hecate.AppID, user hecate.UserID, username, op string) error {
	if !strings.Contains(username, "@") {
		return nil // no address is without
	}
	i, err := db.Identity(ctx, app, hecate.EmailIdentity, FoldLogin(username))
	switch {
	case errors.Is(err, hecate.NotFound) || err == nil && i.User == user:
		return nil
	case err != nil:
		return err
	}
	return hecate.E(hecate.Exists, op).On(usernameField)
}

// giveDefaultRoles gives a new user the roles that new users get.
func (e *Engine) giveDefaultRoles(ctx context.Context, tx *store.DB, u *hecate.User) error {
	given, err := tx.DefaultRoles(ctx, u.App)
	if err != nil {
		return err
	}
	for _, r := range given { // an app has few
		if _, err := tx.HoldRole(ctx, u.App, r.ID, hecate.SubjectUser(u.ID)); err != nil {
			return err
		}
	}
	return nil
}

// inProfile moves a field at fault into the profile: "profile.<field>".
func inProfile(err error) error {
	var fault *hecate.Error
	if errors.As(err, &fault) && fault.Field != "" {
		moved := *fault
		moved.Field = "profile." + fault.Field
		return &moved
	}
	return err
}

// UpdateUserInput changes what is not nil; "" removes a name.
type UpdateUserInput struct {
	Username      *string
	Email         *string
	EmailVerified *bool          // only the operator, an admin or a ticket says so
	Password      *hecate.Secret // a real change ends sessions as each of them asks; the same password again changes nothing
	Profile       *RecordInput
	Growth        *Growth // what the profile's schema may become for the values; nil: as it is
	// Granted judges a change of nothing but the profile by the profile's own grants, as UpdateRecord does, instead of by who
	// reaches the account.
	Granted     bool
	Activated   *bool // false ends every session
	MinPassword int
	Letters     []UserLetter // queued with the change, to the address as it is then
}

// onlyProfile reports whether nothing of the account itself changes.
func (in *UpdateUserInput) onlyProfile() bool {
	return in.Username == nil && in.Email == nil && in.EmailVerified == nil && in.Password == nil && in.Activated == nil
}

// userToChange finds the user that an input is about, for an actor who may make some change of him: what becomes of the
// profile is judged with it.
func (e *Engine) userToChange(ctx context.Context, actor *hecate.Actor, ref UserRef, in *UpdateUserInput, op string) (*hecate.User, error) {
	if !in.Granted || !in.onlyProfile() {
		return e.userFor(ctx, actor, ref, byPath(actor, hecate.Create, hecate.Update), op) // a path names an act on him
	}
	app, err := inApp(actor, op)
	if err != nil {
		return nil, err
	}
	return e.findUser(ctx, app.ID, ref, op)
}

// UpdateUser changes a user in one write. Kinds: Forbidden, NotFound, and those of CreateUser and UpdateRecord. Who reaches
// him by a role's path alone is not shown his token, profile and groups.
func (e *Engine) UpdateUser(ctx context.Context, actor *hecate.Actor, ref UserRef, in UpdateUserInput) (*UserDetail, error) {
	const op = "update user"
	u, err := e.userToChange(ctx, actor, ref, &in, op)
	if err != nil {
		return nil, err
	}
	app := actor.App
	if in.EmailVerified != nil && !actsForAll(actor, hecate.Update) {
		e.refused(actor, app.ID, op, string(hecate.SubjectUser(u.ID)), "email verified")
		return nil, hecate.E(hecate.Forbidden, op).On("email_verified")
	}
	if err := checkNames(op, deref(in.Username), deref(in.Email)); err != nil {
		return nil, err
	}
	if in.Username != nil && *in.Username != u.Username && HidesUsers(actor) {
		if err := usernameOfHis(op, *in.Username, u.Email); err != nil {
			return nil, err
		}
	}
	change, err := e.prepareUserChange(ctx, app, u, in, op)
	if err != nil {
		return nil, err
	}
	err = e.db.Write(ctx, func(tx *store.DB) error { return e.writeUserChange(ctx, tx, actor, u.ID, change, op) })
	if err != nil {
		return nil, err
	}
	return e.detailFor(ctx, actor, app.ID, u.ID, hecate.Update)
}

// userChange is an UpdateUserInput with everything slow done.
type userChange struct {
	UpdateUserInput
	hash     string // of a password that really changes, else ""
	endAll   bool   // a change of the password ends every session
	standing *store.Sealed[*hecate.Session]
}

// prepareUserChange verifies and hashes the password, if one is given, and makes the session that follows those which end.
func (e *Engine) prepareUserChange(ctx context.Context, app *hecate.App, u *hecate.User, in UpdateUserInput, op string) (userChange, error) {
	c := userChange{UpdateUserInput: in}
	var err error
	if in.Password != nil {
		if c.hash, err = e.newPassword(ctx, app, u.ID, *in.Password, in.MinPassword, op); err != nil {
			return c, err
		}
	}
	if c.hash == "" && (in.Activated == nil || *in.Activated) {
		return c, nil
	}
	next, _, err := e.standing(app.ID, u.ID, "")
	c.standing = &next
	return c, err
}

// newPassword checks a password against the one stored and the app's policy, and hashes it. It returns "" when it is
// the one stored already. Kinds: Invalid, TooLarge and WeakPassword on "password".
func (e *Engine) newPassword(ctx context.Context, app *hecate.App, id hecate.UserID, password hecate.Secret, least int, op string) (string, error) {
	if n := len(password.Reveal()); n == 0 || n > maxPassword {
		return "", checkPassword(op, "password", app.Settings.Password, least, password)
	}
	old, err := e.db.Credential(ctx, app.ID, id, hecate.PasswordCredential)
	if err != nil && !errors.Is(err, hecate.NotFound) {
		return "", err
	}
	if old != "" {
		same, _, err := e.hasher.Verify(ctx, old, password.Reveal())
		if err != nil || same {
			return "", err
		}
	}
	if err := checkPassword(op, "password", app.Settings.Password, least, password); err != nil {
		return "", err
	}
	if err := e.notReused(ctx, app, id, password, op); err != nil {
		return "", err
	}
	return e.hasher.Hash(ctx, password.Reveal())
}

// notReused compares with the former passwords that the policy refuses; the current one counts among them.
func (e *Engine) notReused(ctx context.Context, app *hecate.App, id hecate.UserID, password hecate.Secret, op string) error {
	size := app.Settings.Password.History
	if size <= 1 {
		return nil
	}
	former, err := e.db.FormerPasswords(ctx, app.ID, id, size-1)
	if err != nil {
		return err
	}
	for _, hash := range former {
		used, _, err := e.hasher.Verify(ctx, hash, password.Reveal())
		if err != nil {
			return err
		}
		if used {
			return hecate.E(hecate.WeakPassword, op).On("password").With("reason", "reused").With("history_size", size)
		}
	}
	return nil
}

// lockUser makes concurrent changes of one user wait for each other. Kinds: NotFound on "user".
func (e *Engine) lockUser(ctx context.Context, tx *store.DB, app hecate.AppID, id hecate.UserID, op string) error {
	_, err := e.loadUser(ctx, tx, app, id, op)
	return err
}

// loadUser is lockUser, and the user with the hash of the password as they are inside the write.
func (e *Engine) loadUser(ctx context.Context, tx *store.DB, app hecate.AppID, id hecate.UserID, op string) (store.Login, error) {
	if err := tx.Lock(ctx, "user/"+userCacheKey(app, id)); err != nil {
		return store.Login{}, err
	}
	l, err := tx.LoginByID(ctx, app, id)
	return l, missing(err, op, "user")
}

func (e *Engine) writeUserChange(ctx context.Context, tx *store.DB, actor *hecate.Actor, id hecate.UserID, c userChange, op string) error {
	app := actor.App
	if c.Profile != nil {
		profile, err := e.growProfile(ctx, tx, actor, app, *c.Profile, c.Growth)
		if err != nil {
			return err
		}
		c.Profile = &profile
	}
	l, err := e.loadUser(ctx, tx, app.ID, id, op)
	if err != nil {
		return err
	}
	u := l.User
	u.UpdatedAt = e.stamp()
	if err := e.rename(ctx, tx, app, u, c.UpdateUserInput, op); err != nil {
		return err
	}
	if c.hash != "" {
		if err := e.setPassword(ctx, tx, actor, l, c, op); err != nil {
			return err
		}
	}
	if c.Activated != nil && *c.Activated != u.Activated {
		u.Activated = *c.Activated
		if !u.Activated { // all that was open stays closed when he comes back, and letters that he got before do not bring him back
			for _, about := range []string{emailField, approval} {
				if err := tx.DeleteTicketsAbout(ctx, app.ID, id, ActivateTicket, about); err != nil {
					return err
				}
			}
			if err := e.endSessions(ctx, tx, app.ID, id, store.AllSessions, c.standing); err != nil {
				return err
			}
		}
	}
	if c.Profile != nil {
		if _, err := e.changeProfile(ctx, tx, actor, app, u, *c.Profile); err != nil {
			return inProfile(err)
		}
	}
	if err := e.sendAll(ctx, tx, app, u, c.Letters); err != nil {
		return err
	}
	return e.saveUser(ctx, tx, actor, u, op)
}

// saveUser stores a user's state, drops what was cached of it, and records the event.
func (e *Engine) saveUser(ctx context.Context, tx *store.DB, actor *hecate.Actor, u *hecate.User, op string) error {
	if err := tx.UpdateUser(ctx, u); err != nil {
		return missing(err, op, "user")
	}
	if err := e.forgetUser(ctx, tx, u.App, u.ID); err != nil {
		return err
	}
	return e.record(ctx, tx, actor, u.App, op, string(hecate.SubjectUser(u.ID)))
}

func (e *Engine) forgetUser(ctx context.Context, tx *store.DB, app hecate.AppID, id hecate.UserID) error {
	key := userCacheKey(app, id)
	return errors.Join(e.forget(ctx, tx, "users", key), e.forget(ctx, tx, "details", key))
}

// rename gives a user other names, and what of his login names they are part of.
func (e *Engine) rename(ctx context.Context, tx *store.DB, app *hecate.App, u *hecate.User, in UpdateUserInput, op string) error {
	username, email := u.Username, u.Email
	if err := e.setNames(ctx, tx, u, in, op); err != nil || u.Username == username && u.Email == email {
		return err
	}
	return e.syncRenamed(ctx, tx, app, u.ID)
}

// setNames gives a user other names. A new address is not verified and ends the tickets that went to the old one.
func (e *Engine) setNames(ctx context.Context, tx *store.DB, u *hecate.User, in UpdateUserInput, op string) error {
	if in.Username != nil && *in.Username != u.Username {
		if err := e.noAddressOfOthers(ctx, tx, u.App, u.ID, *in.Username, op); err != nil {
			return err
		}
		i := hecate.Identity{User: u.ID, Kind: hecate.UsernameIdentity, Value: *in.Username, CreatedAt: u.UpdatedAt}
		if err := e.setName(ctx, tx, u.App, i, op); err != nil {
			return err
		}
		u.Username = *in.Username
	}
	email, verified := u.Email, u.EmailVerified
	if in.Email != nil && *in.Email != u.Email {
		if email = *in.Email; !sameAddress(email, u.Email) {
			verified = false
			if err := e.leaveAddress(ctx, tx, u); err != nil {
				return err
			}
		}
	}
	if in.EmailVerified != nil {
		verified = *in.EmailVerified && email != ""
	}
	if email == u.Email && verified == u.EmailVerified {
		return nil
	}
	i := hecate.Identity{User: u.ID, Kind: hecate.EmailIdentity, Value: email, CreatedAt: u.UpdatedAt}
	if verified {
		i.VerifiedAt = u.UpdatedAt
	}
	u.Email, u.EmailVerified = email, verified
	return e.setName(ctx, tx, u.App, i, op)
}

// leaveAddress ends the tickets that went to the address a user had until now, and tells its holder.
func (e *Engine) leaveAddress(ctx context.Context, tx *store.DB, u *hecate.User) error {
	if u.Email == "" {
		return nil
	}
	if err := tx.DeleteTicketsTo(ctx, u.App, u.ID, u.Email); err != nil {
		return err
	}
	app, err := e.appIn(ctx, tx, u.App)
	if err != nil {
		return err
	}
	_, err = e.sendUser(ctx, tx, app, u, UserLetter{Mailing: Mailing{Letter: letterMoved}}, false)
	return err
}

// setName replaces a user's names of one kind; an empty value only removes them.
func (e *Engine) setName(ctx context.Context, tx *store.DB, app hecate.AppID, i hecate.Identity, op string) error {
	if err := tx.DeleteIdentities(ctx, app, i.User, i.Kind); err != nil || i.Value == "" {
		return err
	}
	i.Match = FoldLogin(i.Value)
	if free, err := tx.InsertIdentity(ctx, app, i); err != nil || !free {
		return taken(err, op, string(i.Kind))
	}
	return nil
}

// ticketReset is the purpose of tickets that set a new password.
const ticketReset = "reset"

// setPassword stores a new password and ends what it ends.
func (e *Engine) setPassword(ctx context.Context, tx *store.DB, actor *hecate.Actor, l store.Login, c userChange, op string) error {
	app, u := actor.App, l.User
	if keep := app.Settings.Password.History; keep > 0 && l.Hash != "" {
		if err := tx.KeepPassword(ctx, app.ID, u.ID, l.Hash, keep); err != nil {
			return err
		}
	}
	if err := tx.SetCredential(ctx, app.ID, u.ID, hecate.PasswordCredential, c.hash); err != nil {
		return err
	}
	if err := tx.DeleteTickets(ctx, app.ID, u.ID, ticketReset); err != nil {
		return err
	}
	which := store.SessionsByPassword
	if s := app.Settings.Sessions; s.EndOnPasswordChange || s.Signed || c.endAll {
		which = store.AllSessions
	}
	if err := e.endSessions(ctx, tx, app.ID, u.ID, which, c.standing); err != nil {
		return err
	}
	u.PasswordChangedAt = u.UpdatedAt
	return e.record(ctx, tx, actor, app.ID, "change password", string(hecate.SubjectUser(u.ID)))
}

// DeleteUser deletes a user with profile, sessions, memberships and the records and files it owns. Kinds: Forbidden, NotFound.
func (e *Engine) DeleteUser(ctx context.Context, actor *hecate.Actor, ref UserRef) error {
	const op = "delete user"
	u, err := e.userFor(ctx, actor, ref, hecate.Delete, op)
	if err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		if err := e.lockUser(ctx, tx, u.App, u.ID, op); err != nil {
			return err
		}
		files, err := e.deleteOwned(ctx, tx, u.App, u.ID)
		if err != nil {
			return err
		}
		e.dropLater(ctx, tx, u.App, files)
		if err := e.endSessions(ctx, tx, u.App, u.ID, store.AllSessions, nil); err != nil {
			return err
		}
		if err := tx.DeleteTickets(ctx, u.App, u.ID, ""); err != nil {
			return err
		}
		if err := e.dropSubject(ctx, tx, u.App, hecate.SubjectUser(u.ID)); err != nil {
			return err
		}
		if err := tx.DeleteUser(ctx, u.App, u.ID); err != nil {
			return missing(err, op, "user")
		}
		if err := e.forgetUser(ctx, tx, u.App, u.ID); err != nil {
			return err
		}
		return e.record(ctx, tx, actor, u.App, op, string(hecate.SubjectUser(u.ID)))
	})
}

// dropSubject removes everything that was given to a subject that is going.
func (e *Engine) dropSubject(ctx context.Context, tx *store.DB, app hecate.AppID, s hecate.Subject) error {
	if err := tx.DropSubject(ctx, app, s); err != nil {
		return err
	}
	return errors.Join(e.forget(ctx, tx, "policies", string(app)), e.forgetAll(ctx, tx, "records"))
}

// DisableUserInput says whether and how a user is disabled.
type DisableUserInput struct {
	Disabled bool
	Message  string
	Until    time.Time // zero: until enabled again
}

// DisableUser disables or enables a user, for every dialect at once. Kinds: Forbidden, NotFound, Invalid on "message".
func (e *Engine) DisableUser(ctx context.Context, actor *hecate.Actor, ref UserRef, in DisableUserInput) error {
	op := "enable user"
	if in.Disabled {
		op = "disable user"
	} else {
		in = DisableUserInput{}
	}
	u, err := e.userFor(ctx, actor, ref, hecate.Manage, op)
	if err != nil {
		return err
	}
	if err := checkText(op, "message", in.Message, 0, maxText); err != nil {
		return err
	}
	return e.db.Write(ctx, func(tx *store.DB) error {
		l, err := e.loadUser(ctx, tx, u.App, u.ID, op)
		if err != nil {
			return err
		}
		l.User.Disabled, l.User.DisabledMessage, l.User.DisabledUntil = in.Disabled, in.Message, in.Until
		l.User.UpdatedAt = e.stamp()
		return e.saveUser(ctx, tx, actor, l.User, op)
	})
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
