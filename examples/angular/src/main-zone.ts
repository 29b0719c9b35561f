// the same with zone.js
import 'zone.js';
import { provideZoneChangeDetection } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { App } from './app.js';
import { provideBrokers } from './brokers.js';

const providers = [provideZoneChangeDetection(), ...provideBrokers()];
bootstrapApplication(App, { providers }).catch((error: unknown) => console.error(error));
