// compiles the components of the specs; Angular asks for it before its first component
import '@angular/compiler';
import {
  createComponent,
  DOCUMENT,
  PLATFORM_ID,
  provideZonelessChangeDetection,
  type ApplicationRef,
  type ComponentRef,
  type EnvironmentInjector,
  type EnvironmentProviders,
  type Provider,
  type Type,
} from '@angular/core';
import { createApplication } from '@angular/platform-browser';
import { INITIAL_CONFIG, platformServer, provideServerRendering } from '@angular/platform-server';

/** An application over a document that is no browser's. */
export interface App {
  readonly ref: ApplicationRef;
  readonly injector: EnvironmentInjector;
  /** What a component has rendered once all is quiet. */
  show<C>(component: Type<C>): Promise<Shown<C>>;
  destroy(): void;
}

/** A component in it. */
export interface Shown<C> {
  readonly ref: ComponentRef<C>;
  text(): Promise<string>;
}

/** Starts an application whose platform says that it is a browser's, or a server's. */
export async function startApp(
  providers: readonly (Provider | EnvironmentProviders)[],
  platform: 'browser' | 'server' = 'browser',
): Promise<App> {
  const document = '<!doctype html><body></body>';
  const platformRef = platformServer([{ provide: INITIAL_CONFIG, useValue: { document, url: '/' } }]);
  const zoneless = 'Zone' in globalThis ? [] : [provideZonelessChangeDetection()];
  const base = [provideServerRendering(), ...zoneless, { provide: PLATFORM_ID, useValue: platform }];
  const ref = await createApplication({ providers: [...base, ...providers] }, { platformRef }).catch(
    (error: unknown) => {
      platformRef.destroy();
      throw error;
    },
  );
  return {
    ref,
    injector: ref.injector,
    async show(component) {
      const hostElement = ref.injector.get(DOCUMENT).createElement('div');
      const made = createComponent(component, { environmentInjector: ref.injector, hostElement });
      ref.attachView(made.hostView);
      await ref.whenStable();
      return {
        ref: made,
        async text() {
          await ref.whenStable();
          return hostElement.textContent.trim();
        },
      };
    },
    destroy: () => {
      // the application goes with its platform
      if (!platformRef.destroyed) platformRef.destroy();
    },
  };
}
