import { Button } from '../ui/Button';
import { MessagePage } from '../ui/Page';

/** Instead of a page that failed to render. Needs nothing of what may have failed. */
export function BrokenPage() {
  return (
    <MessagePage title="This page has a problem">
      <p role="alert" className="text-muted">
        Something on this page failed. Votes and questions that were sent are safe. Your unsent
        question is kept. If reloading doesn’t help, tell the organisers.
      </p>
      <Button look="filled" onClick={() => window.location.reload()}>
        Reload the page
      </Button>
    </MessagePage>
  );
}
