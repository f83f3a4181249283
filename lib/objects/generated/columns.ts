/**
 * What kubectl's tables show. Made by lib/objects/generate out of
 * the API description of Kubernetes v1.35.4 (see NOTICE there); not to be edited.
 */

/** Kind and columns; "+" before those of -o wide. */
export const columnTable = `
Endpoints: Name, Endpoints, Age
Event: Last Seen, Type, Reason, Object, +Subobject, +Source, Message, +First Seen, +Count, +Name
Namespace: Name, Status, Age
Node: Name, Status, Roles, Age, Version, +Internal-IP, +External-IP, +OS-Image, +Kernel-Version, +Container-Runtime
Pod: Name, Ready, Status, Restarts, Age, +IP, +Node, +Nominated Node, +Readiness Gates
Service: Name, Type, Cluster-IP, External-IP, Port(s), Age, +Selector
Deployment: Name, Ready, Up-to-date, Available, Age, +Containers, +Images, +Selector
ReplicaSet: Name, Desired:integer, Current:integer, Ready:integer, Age, +Containers, +Images, +Selector
Lease: Name, Holder, Age
EndpointSlice: Name, AddressType, Ports, Endpoints, Age
`;
