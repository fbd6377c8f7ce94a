package backstop

import "context"

// ActorKind is a kind of actor.
type ActorKind string

// The kinds of actors. ActorSystem is Backstop itself, such as its sweeper, and what a provider's webhook causes.
const (
	ActorKey    ActorKind = "key"
	ActorPerson ActorKind = "person"
	ActorSystem ActorKind = "system"
)

// Actor is who causes a change.
type Actor struct {
	Kind ActorKind
	ID   string // of the key or of the person; empty for the system
	Name string // as people know it
	From string // the address of the caller, without a port; empty for the system
}

type actorContextKey struct{}

// WithActor returns a context that carries the actor of a request.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorContextKey{}, a)
}

// ActorOf returns the actor of a request. Without one it returns the system.
func ActorOf(ctx context.Context) Actor {
	if a, ok := ctx.Value(actorContextKey{}).(Actor); ok {
		return a
	}
	return Actor{Kind: ActorSystem, Name: "backstop"}
}
