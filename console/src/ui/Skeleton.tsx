// The shape of a page that is not loaded yet: the same as in index.html.

export function ShellSkeleton() {
  return (
    <div className="shell" aria-busy="true">
      <div className="shell-sider">
        <span className="brand">
          <img src={`${import.meta.env.BASE_URL}icon.svg`} alt="" width={26} height={26} /> Backstop
        </span>
        <div className="shape" />
        <div className="shape" />
        <div className="shape" />
        <div className="shape" />
      </div>
      <div className="shell-body">
        <div className="shell-header" />
        <div className="shell-main">
          <PageSkeleton />
        </div>
      </div>
    </div>
  );
}

export function PageSkeleton() {
  return (
    <div aria-busy="true">
      <div className="shape shape-title" />
      <div className="shape shape-about" />
      <DataSkeleton />
    </div>
  );
}

/** DataSkeleton stands below the heading of a page whose data is not loaded yet. */
export function DataSkeleton() {
  return (
    <div aria-busy="true">
      <div className="shape-tiles">
        <div className="shape-panel" />
        <div className="shape-panel" />
        <div className="shape-panel" />
        <div className="shape-panel" />
      </div>
      <div className="shape-panel shape-large" />
    </div>
  );
}
